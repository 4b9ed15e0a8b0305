package io.pulmo.model.job;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when JOB.yaml does not say what to train; the message names the key, its value and what
 * was expected.
 */
public final class JobSpecException extends RuntimeException {
  JobSpecException(String message) {
    this(message, null);
  }

  JobSpecException(String message, @Nullable Throwable cause) {
    super("JOB.yaml: " + message, cause);
  }
}
