package io.pulmo.openvino;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A shape of which dimensions may still be open.
 *
 * @param hasRank whether the number of dimensions is known
 * @param dimensions the dimensions; empty if their number is not known, and for a scalar
 */
public record PartialShape(boolean hasRank, List<Dimension> dimensions) {
  /** Of any number of dimensions. */
  public static final PartialShape ANY = new PartialShape(false, List.of());

  public PartialShape {
    dimensions = List.copyOf(dimensions);
    if (!hasRank && !dimensions.isEmpty()) {
      throw new IllegalArgumentException(
          "a shape without a rank has " + dimensions + ", expected no dimensions");
    }
  }

  /**
   * A shape with this many dimensions.
   *
   * @param lengths for each its length, or -1 for any
   */
  public static PartialShape of(long... lengths) {
    List<Dimension> dimensions = new ArrayList<>();
    for (long length : lengths) {
      dimensions.add(length == -1 ? Dimension.ANY : Dimension.of(length));
    }
    return new PartialShape(true, dimensions);
  }

  /** A shape with these dimensions. */
  public static PartialShape of(Dimension... dimensions) {
    return new PartialShape(true, List.of(dimensions));
  }

  /** Whether nothing is open. */
  public boolean isFixed() {
    return hasRank && dimensions.stream().allMatch(Dimension::isFixed);
  }

  /**
   * The lengths of a shape in which nothing is open.
   *
   * @throws IllegalStateException if something is
   */
  public List<Long> lengths() {
    if (!isFixed()) {
      throw new IllegalStateException(
          "the shape is " + this + ", expected fixed lengths: reshape the model before compiling");
    }
    return dimensions.stream().map(Dimension::min).toList();
  }

  /** OpenVINO's notation, such as {@code [?,3,224,224]}; {@code [...]} without a rank. */
  @Override
  public String toString() {
    return hasRank
        ? dimensions.stream().map(Dimension::toString).collect(Collectors.joining(",", "[", "]"))
        : "[...]";
  }
}
