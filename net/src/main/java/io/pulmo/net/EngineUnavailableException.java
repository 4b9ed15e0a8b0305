package io.pulmo.net;

import java.io.Serial;

/** Says that libtorch could not be loaded, what was looked for, and the mend. */
public final class EngineUnavailableException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  EngineUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
