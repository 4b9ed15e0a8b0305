package io.pulmo.model.weights;

import java.util.List;

/**
 * An array of float32.
 *
 * @param shape its dimensions, none for a single number
 * @param values in row-major order; not copied
 */
public record Tensor(List<Integer> shape, float[] values) {
  /** Checks that the shape's product is the number of values. */
  public Tensor {
    shape = List.copyOf(shape);
    int size = shape.stream().reduce(1, Math::multiplyExact);
    if (size != values.length) {
      throw new IllegalArgumentException(
          "shape " + shape + " holds " + size + " values, given " + values.length);
    }
  }
}
