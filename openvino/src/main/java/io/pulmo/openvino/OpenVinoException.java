package io.pulmo.openvino;

/** A call that OpenVINO refused or failed, with the name of its status and its own text. */
public final class OpenVinoException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String status;
  private final boolean cancelled;

  OpenVinoException(String action, String status, String text) {
    this(action, status, text, false);
  }

  OpenVinoException(String action, String status, String text, boolean cancelled) {
    super(action + ": OpenVINO says " + status + (text.isBlank() ? "" : ": " + oneLine(text)));
    this.status = status;
    this.cancelled = cancelled;
  }

  OpenVinoException(String message, Throwable cause) {
    super(message, cause);
    this.status = "NOT_LOADED";
    this.cancelled = false;
  }

  /** Its texts come with line breaks, after each place in its sources. */
  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\n\\s*", " ");
  }

  /** OpenVINO's name for what went wrong; NOT_LOADED if its library could not be used at all. */
  public String status() {
    return status;
  }

  /** Whether the inference ended because {@link InferRequest#cancel} was called. */
  public boolean cancelled() {
    return cancelled;
  }
}
