package io.pulmo.cli;

import io.pulmo.cli.terminal.ExitCode;
import java.util.List;
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
      "'pulmo verify' builds and runs every test.",
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
    // Before the parser, whose classes may log.
    Logging.configure(List.of(args).contains("--verbose"));
    Pulmo pulmo = new Pulmo();
    CommandLine command = new CommandLine(pulmo);
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.setParameterExceptionHandler(Pulmo::usageError);
    command.setExecutionExceptionHandler(
        (failure, line, parsed) -> Errors.report(failure, pulmo.verbose));
    System.exit(command.execute(args));
  }

  private static int usageError(ParameterException wrong, String[] args) {
    System.err.println("pulmo: " + wrong.getMessage());
    System.err.println(
        "see '" + wrong.getCommandLine().getCommandSpec().qualifiedName() + " --help'");
    return ExitCode.USAGE;
  }

  @Override
  public void run() {
    throw new ParameterException(
        Objects.requireNonNull(spec).commandLine(),
        "given no command, expected one of "
            + String.join(", ", spec.subcommands().keySet())
            + ", verify");
  }

  boolean quiet() {
    return quiet;
  }
}
