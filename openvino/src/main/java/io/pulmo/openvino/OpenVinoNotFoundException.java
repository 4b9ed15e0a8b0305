package io.pulmo.openvino;

import java.util.List;

/** OpenVINO's runtime is in none of the places where it may be. */
public final class OpenVinoNotFoundException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<String> lookedAt;
  private final String mend;

  OpenVinoNotFoundException(List<String> lookedAt, String mend) {
    super(
        "OpenVINO's runtime was not found. Looked at: "
            + String.join("; ", lookedAt)
            + ". To get it: "
            + mend);
    this.lookedAt = List.copyOf(lookedAt);
    this.mend = mend;
  }

  /** Every place that was looked at, in order. */
  public List<String> lookedAt() {
    return lookedAt;
  }

  /** What puts it where it is found. */
  public String mend() {
    return mend;
  }
}
