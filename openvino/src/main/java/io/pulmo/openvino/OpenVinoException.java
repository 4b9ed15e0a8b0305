package io.pulmo.openvino;

/** A call that OpenVINO refused or failed, with the name of its status and its own text. */
public final class OpenVinoException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String status;

  OpenVinoException(String action, String status, String text) {
    super(action + ": OpenVINO says " + status + (text.isBlank() ? "" : ": " + text.strip()));
    this.status = status;
  }

  OpenVinoException(String message, Throwable cause) {
    super(message, cause);
    this.status = "NOT_LOADED";
  }

  /** OpenVINO's name for what went wrong; NOT_LOADED if its library could not be used at all. */
  public String status() {
    return status;
  }
}
