package io.pulmo.coordinator.job;

/** Thrown when a user asks for what cannot be; the message says what was expected. */
public final class RefusedException extends RuntimeException {
  /** What kind of refusal it is. */
  public enum Kind {
    /** The request itself is wrong. */
    INVALID,
    /** It names what is not there. */
    UNKNOWN,
    /** There is no room. */
    FULL,
    /** The job has ended. */
    TOO_LATE,
    /** A submission's file is not stored. */
    NOT_STORED,
    /** A job of that name waits or runs already. */
    EXISTS
  }

  private final Kind kind;

  /** Refuses for the given reason. */
  public RefusedException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  /** What kind of refusal it is. */
  public Kind kind() {
    return kind;
  }
}
