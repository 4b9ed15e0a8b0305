package io.pulmo.worker.train;

/** Training cannot go on; the message tells a person why, in one to three lines. */
public final class TrainingException extends Exception {
  /** With the cause of the cause, where there is one, only for the log. */
  public TrainingException(String message, Throwable cause) {
    super(message, cause);
  }

  /** For what has no deeper cause. */
  public TrainingException(String message) {
    super(message);
  }
}
