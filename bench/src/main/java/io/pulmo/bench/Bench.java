package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandProcess;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code pulmo bench} command. */
@Command(
    name = "pulmo bench",
    description = "Measures, beside the tools that Pulmo is compared with.",
    subcommands = {
      AccuracyCommand.class,
      ModesCommand.class,
      PreprocessCommand.class,
      TrainCommand.class,
      FailoverCommand.class,
      LedgerCommand.class,
      StagesCommand.class,
      VerifyCommand.class
    })
public final class Bench implements Runnable {
  @Spec private CommandLine.Model.@Nullable CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "log more, and give stack traces with errors")
  private boolean verbose;

  @Option(
      names = "--quiet",
      scope = ScopeType.INHERIT,
      description = "no progress on standard error")
  private boolean quiet;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "show this help")
  @SuppressWarnings("UnusedVariable") // the parser acts on it
  private boolean help;

  private Bench() {}

  /** Runs one measurement and exits with its code. */
  public static void main(String[] args) {
    Bench bench = new Bench();
    CommandProcess.runAndExit(bench, () -> bench.verbose, args);
  }

  @Override
  public void run() {
    throw new ParameterException(
        Objects.requireNonNull(spec).commandLine(),
        "given no command, expected one of " + String.join(", ", spec.subcommands().keySet()));
  }

  boolean quiet() {
    return quiet;
  }
}
