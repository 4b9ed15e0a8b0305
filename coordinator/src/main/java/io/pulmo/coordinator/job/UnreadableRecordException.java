package io.pulmo.coordinator.job;

/**
 * Thrown when a record is there but does not say what it should: reading it again, or by another
 * leader, would not help, so its job fails instead of its leader.
 */
public final class UnreadableRecordException extends RuntimeException {
  /** Says which record and what is wrong with it. */
  public UnreadableRecordException(String message, Throwable cause) {
    super(message, cause);
  }
}
