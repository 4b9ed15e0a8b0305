package io.pulmo.cli.terminal;

import java.util.function.Supplier;

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

  /**
   * Reads what an option was given.
   *
   * @param reading refuses a value with an {@link IllegalArgumentException}, whose message goes to
   *     the user as wrong usage
   */
  public static <T> T option(String name, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (IllegalArgumentException refused) {
      throw usage(name + ": " + refused.getMessage());
    }
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
