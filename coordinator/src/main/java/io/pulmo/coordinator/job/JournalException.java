package io.pulmo.coordinator.job;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when what a leader must write could not be written for certain: it steps down and whoever
 * leads next goes by what is written.
 */
public class JournalException extends RuntimeException {
  /** Says what could not be written and why. */
  public JournalException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
