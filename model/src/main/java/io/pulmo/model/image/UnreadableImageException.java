package io.pulmo.model.image;

import org.jspecify.annotations.Nullable;

/** Bytes that are no image Pulmo reads; the message says what was found and what is expected. */
public final class UnreadableImageException extends Exception {
  private static final long serialVersionUID = 1L;

  UnreadableImageException(String message) {
    super(message);
  }

  UnreadableImageException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
