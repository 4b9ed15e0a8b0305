package io.pulmo.cli.terminal;

import java.util.List;
import java.util.function.BooleanSupplier;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** A command line as a process: the log set up, errors in a few lines, an exit code. */
public final class CommandProcess {
  private CommandProcess() {}

  /**
   * Runs one command and ends the process with its exit code.
   *
   * @param command the outermost command
   * @param verbose whether an error gets its stack trace; asked after the arguments are parsed
   */
  public static void runAndExit(Object command, BooleanSupplier verbose, String... arguments) {
    // Before the parser, whose classes may log.
    Logging.configure(List.of(arguments).contains("--verbose"));
    CommandLine line = new CommandLine(command);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler(CommandProcess::usageError);
    line.setExecutionExceptionHandler(
        (failure, at, parsed) -> Errors.report(failure, verbose.getAsBoolean()));
    System.exit(line.execute(arguments));
  }

  private static int usageError(ParameterException wrong, String[] arguments) {
    System.err.println("pulmo: " + wrong.getMessage());
    System.err.println(
        "see '" + wrong.getCommandLine().getCommandSpec().qualifiedName() + " --help'");
    return ExitCode.USAGE;
  }
}
