package io.pulmo.model.bundle;

import java.io.IOException;

/** A bundle that is incomplete, altered or not to be understood; the message names file and key. */
public final class BundleException extends IOException {
  private static final long serialVersionUID = 1L;

  /** With what was refused, what was expected and what to do. */
  public BundleException(String message) {
    super(message);
  }

  /** As above, with what the parser said. */
  public BundleException(String message, Throwable cause) {
    super(message, cause);
  }
}
