package io.pulmo.serving.backend;

/** Says that an engine cannot run on this machine, why, and the mend. */
public final class BackendUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Mode mode;

  /** For a mode that cannot run, with the reason and the mend. */
  public BackendUnavailableException(Mode mode, String reason) {
    super(reason);
    this.mode = mode;
  }

  /** As above, with what was thrown. */
  public BackendUnavailableException(Mode mode, String reason, Throwable cause) {
    super(reason, cause);
    this.mode = mode;
  }

  /** What cannot run. */
  public Mode mode() {
    return mode;
  }
}
