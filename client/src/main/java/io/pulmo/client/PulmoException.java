package io.pulmo.client;

/** An analysis that did not come, with its kind and the server's own words. */
public final class PulmoException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Why an analysis did not come. */
  public enum Kind {
    /** The request is wrong, such as bytes that are not an image. */
    INVALID_ARGUMENT(false),
    /** The server has no model of that name. */
    NOT_FOUND(false),
    /** The model is there, the precision asked for is not. */
    NOT_OFFERED(false),
    /** No server could be reached, or it went away. */
    UNAVAILABLE(true),
    /** The server has more to do than it can take. */
    OVERLOADED(true),
    /** No answer came in time. */
    DEADLINE(false),
    /** The caller gave it up. */
    CANCELLED(false),
    /** Something broke. */
    INTERNAL(false);

    private final boolean retryable;

    Kind(boolean retryable) {
      this.retryable = retryable;
    }
  }

  private final Kind kind;

  PulmoException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  PulmoException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** What kind of failure it is. */
  public Kind kind() {
    return kind;
  }

  /** Whether the same request, sent again a little later, may well succeed. */
  public boolean isRetryable() {
    return kind.retryable;
  }
}
