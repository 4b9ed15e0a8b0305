package io.pulmo.export;

/** Says that nothing can be quantized here, since OpenVINO does not run, and the mend. */
public final class QuantizerUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1;

  QuantizerUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
