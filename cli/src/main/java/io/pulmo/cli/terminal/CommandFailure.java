package io.pulmo.cli.terminal;

/**
 * An error whose message is all that the user needs: what was refused, what was expected, what to
 * do.
 */
public final class CommandFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  private CommandFailure(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** The work failed. */
  public static CommandFailure work(String message) {
    return new CommandFailure(ExitCode.FAILED, message);
  }

  /** The command was used wrongly. */
  public static CommandFailure usage(String message) {
    return new CommandFailure(ExitCode.USAGE, message);
  }

  /** The environment lacks something. */
  public static CommandFailure environment(String message) {
    return new CommandFailure(ExitCode.ENVIRONMENT, message);
  }

  /** The process ends with it. */
  public int exitCode() {
    return exitCode;
  }
}
