package io.pulmo.cli;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(
    name = "data",
    description = "Makes, fetches, splits and counts data sets.",
    subcommands = {
      DataGenerateCommand.class,
      DataDownloadCommand.class,
      DataSplitCommand.class,
      DataStatsCommand.class
    })
final class DataCommand implements Runnable {
  @ParentCommand private @Nullable Pulmo pulmo;
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        Objects.requireNonNull(spec).commandLine(),
        "given no command, expected one of " + String.join(", ", spec.subcommands().keySet()));
  }

  boolean quiet() {
    return Objects.requireNonNull(pulmo).quiet();
  }
}
