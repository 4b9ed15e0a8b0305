package io.pulmo.cli.terminal;

/** What the command's exit codes mean. */
public final class ExitCode {
  /** All that was asked is done. */
  public static final int DONE = 0;

  /** The work failed. */
  public static final int FAILED = 1;

  /** The command was used wrongly. */
  public static final int USAGE = 2;

  /** The environment lacks something. */
  public static final int ENVIRONMENT = 3;

  private ExitCode() {}
}
