package io.pulmo.cli.demo;

import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Table;
import io.pulmo.model.metric.AucReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the demonstration found.
 *
 * @param modes torch first
 * @param studies of the test split
 * @param minPositives of the rarest disease among them
 * @param steps of training
 * @param workers that trained
 * @param seconds from start to table
 */
record DemoReport(
    List<Mode> modes, int studies, long minPositives, long steps, int workers, double seconds) {
  /**
   * One way of computing the answers.
   *
   * @param name torch, fp32 or int8
   * @param weights of int8, such as half-range; empty for the others
   * @param report how good they were
   * @param studiesPerSecond from the first study sent to the last answer
   */
  record Mode(String name, Optional<String> weights, AucReport report, double studiesPerSecond) {}

  String table() {
    Table table = new Table("mode", "mean AUC", "studies/s", "ratio to torch");
    for (Mode mode : modes) {
      table.row(
          mode.name(),
          String.format(Locale.ROOT, "%.4f", mode.report().mean()),
          String.format(Locale.ROOT, "%.1f", mode.studiesPerSecond()),
          String.format(
              Locale.ROOT, "%.2f", mode.studiesPerSecond() / modes.getFirst().studiesPerSecond()));
    }
    StringBuilder notes = new StringBuilder();
    for (Mode mode : modes) {
      mode.weights()
          .ifPresent(
              weights -> notes.append("%s has %s weights%n".formatted(mode.name(), weights)));
    }
    return table.toString()
        + notes
        + String.format(
            Locale.ROOT,
            "%d unseen studies, at least %d positives a disease; %d steps on %d workers; %.0f s in all%n",
            studies,
            minPositives,
            steps,
            workers,
            seconds);
  }

  void write(Path file) throws IOException {
    List<Map<String, @Nullable Object>> rows = new ArrayList<>();
    for (Mode mode : modes) {
      Map<String, @Nullable Object> row = new LinkedHashMap<>();
      row.put("mode", mode.name());
      row.put("auc_mean", JsonFile.number(mode.report().mean()));
      row.put("studies_per_s", mode.studiesPerSecond());
      mode.weights().ifPresent(weights -> row.put("weights", weights));
      row.put("auc", JsonFile.byFinding(mode.report().auc()));
      rows.add(row);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("modes", rows);
    json.put("studies", studies);
    json.put("min_positives", minPositives);
    json.put("steps", steps);
    json.put("workers", workers);
    json.put("seconds", seconds);
    JsonFile.write(file, json);
  }
}
