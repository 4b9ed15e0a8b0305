package io.pulmo.openvino;

/**
 * One dimension of a shape that may still be open: every length from {@code min} to {@code max}.
 *
 * @param min the least length, 0 or more
 * @param max the greatest length; {@link #UNBOUNDED} for no limit
 */
public record Dimension(long min, long max) {
  /** As {@link #max}: no limit. */
  public static final long UNBOUNDED = -1;

  /** Any length at all. */
  public static final Dimension ANY = new Dimension(0, UNBOUNDED);

  public Dimension {
    if (min < 0 || (max != UNBOUNDED && max < min)) {
      throw new IllegalArgumentException(
          "dimension is " + min + " to " + max + ", expected 0 or more, and the greater one last");
    }
  }

  /** A dimension of exactly this length. */
  public static Dimension of(long length) {
    return new Dimension(length, length);
  }

  /** Whether only one length is possible. */
  public boolean isFixed() {
    return min == max;
  }

  /** OpenVINO's notation: {@code 3}, {@code 1..10}, {@code 2..} or {@code ?}. */
  @Override
  public String toString() {
    if (equals(ANY)) {
      return "?";
    }
    return isFixed() ? Long.toString(min) : min + ".." + (max == UNBOUNDED ? "" : max);
  }
}
