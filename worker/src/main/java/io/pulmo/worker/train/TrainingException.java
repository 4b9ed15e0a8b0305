package io.pulmo.worker.train;

import org.jspecify.annotations.Nullable;

/** Training cannot go on; the message tells a person why, in one to three lines. */
public final class TrainingException extends Exception {
  private final boolean onlyHere;

  /** With the cause of the cause, where there is one, only for the log. */
  public TrainingException(String message, Throwable cause) {
    this(message, cause, false);
  }

  private TrainingException(String message, @Nullable Throwable cause, boolean onlyHere) {
    super(message, cause);
    this.onlyHere = onlyHere;
  }

  /** For what has no deeper cause. */
  public TrainingException(String message) {
    this(message, null, false);
  }

  /** For what keeps this member from training, but none of the others. */
  public static TrainingException onlyHere(String message, @Nullable Throwable cause) {
    return new TrainingException(message, cause, true);
  }

  /** Whether another member could go on. */
  public boolean isOnlyHere() {
    return onlyHere;
  }
}
