package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandProcess;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code pulmo} command. */
@Command(
    name = "pulmo",
    description = "Trains and serves CheXNet, the classifier of fourteen thoracic diseases.",
    subcommands = {
      DemoCommand.class,
      DoctorCommand.class,
      DataCommand.class,
      CoordinatorCommand.class,
      WorkerCommand.class,
      TrainCommand.class,
      ExportCommand.class,
      ServeCommand.class,
      InferCommand.class,
      EvaluateCommand.class
    },
    footer = {
      "",
      "'pulmo verify' builds and runs every test, 'pulmo bench' measures.",
      "Exit codes: 0 done, 1 the work failed, 2 wrong usage, 3 the environment lacks something, 130 interrupted."
    })
public final class Pulmo implements Runnable {
  @Spec private CommandLine.Model.@Nullable CommandSpec spec;

  @CommandLine.Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "log more, and give stack traces with errors")
  private boolean verbose;

  @CommandLine.Option(
      names = "--quiet",
      scope = ScopeType.INHERIT,
      description = "no progress on standard error")
  private boolean quiet;

  @CommandLine.Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "show this help")
  @SuppressWarnings("UnusedVariable") // the parser acts on it
  private boolean help;

  private Pulmo() {}

  /** Runs one command and exits with its code. */
  public static void main(String[] args) {
    Pulmo pulmo = new Pulmo();
    CommandProcess.runAndExit(pulmo, () -> pulmo.verbose, args);
  }

  @Override
  public void run() {
    throw new ParameterException(
        Objects.requireNonNull(spec).commandLine(),
        "given no command, expected one of "
            + String.join(", ", spec.subcommands().keySet())
            + ", bench, verify");
  }

  boolean quiet() {
    return quiet;
  }
}
