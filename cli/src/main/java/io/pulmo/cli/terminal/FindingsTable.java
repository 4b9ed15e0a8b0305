package io.pulmo.cli.terminal;

import io.pulmo.client.Analysis;
import java.util.Locale;

/** One study's fourteen probabilities for people. */
public final class FindingsTable {
  private FindingsTable() {}

  /** With the file's name and the model above them. */
  public static String of(String file, Analysis analysis) {
    Table table = new Table(file, "probability");
    analysis
        .probabilities()
        .forEach((label, p) -> table.row("  " + label, String.format(Locale.ROOT, "%.3f", p)));
    return table
        + "  by "
        + analysis.modelName()
        + " "
        + analysis.modelVersion()
        + " ("
        + analysis.modelDigest().substring(0, 12)
        + "), "
        + analysis.precision().name().toLowerCase(Locale.ROOT)
        + analysis.weightRange().map(range -> " with " + range.label() + " weights").orElse("")
        + System.lineSeparator();
  }
}
