package io.pulmo.serving.engine;

/** Says that a study was not judged, and why. */
public final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Why a study was not judged. */
  public enum Reason {
    /** The bytes cannot be read as an image. */
    UNREADABLE_IMAGE,
    /** There is no model of that name. */
    NO_SUCH_MODEL,
    /** The model is there, the mode is not. */
    MODE_NOT_OFFERED,
    /** The queue is full. */
    OVERLOADED,
    /** Its time was over before it was its turn. */
    EXPIRED,
    /** The engine stops. */
    STOPPING
  }

  private final Reason reason;

  RefusedException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  RefusedException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
