package io.pulmo.node;

import org.jspecify.annotations.Nullable;

/** Thrown when no coordinator named a leader that answers, for as long as the caller would wait. */
public final class NoLeaderException extends RuntimeException {
  NoLeaderException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
