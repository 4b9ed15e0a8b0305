package io.pulmo.model.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * An array in an open file, whose place is checked and whose values are not read yet.
 *
 * @param channel the file
 * @param position of the array's first element, in bytes
 * @param type what its elements are
 * @param shape its dimensions
 * @param strides how many elements lie from one index to the next, by dimension
 * @param check looks at the checksum of the bytes, where the format has one
 */
record StoredArray(
    FileChannel channel,
    long position,
    ElementType type,
    List<Integer> shape,
    List<Long> strides,
    Check check) {
  private static final int CHUNK_BYTES = 1 << 20;

  /**
   * A strided array's bytes are read with whatever lies between: no more than this many times its
   * own, so that a small file cannot ask for much work.
   */
  private static final int MOST_SPREAD = 8;

  private static final int MOST_WINDOW_BYTES = 1 << 30;
  private static final int MOST_DIMENSIONS = 16;

  /** Looks at bytes before they are used. */
  @FunctionalInterface
  interface Check {
    void run() throws IOException, Malformed;
  }

  StoredArray {
    shape = List.copyOf(shape);
    strides = List.copyOf(strides);
  }

  /** Dimensions whose product of elements takes less than 2 GiB as float32, or as they are. */
  static List<Integer> shape(String name, List<Long> dimensions, ElementType type)
      throws Malformed {
    if (dimensions.size() > MOST_DIMENSIONS) {
      throw new Malformed(
          "%s has %d dimensions, expected at most %d"
              .formatted(name, dimensions.size(), MOST_DIMENSIONS));
    }
    long bytes = Math.max(Float.BYTES, type.bytes());
    List<Integer> shape = new ArrayList<>();
    for (long dimension : dimensions) {
      if (dimension < 0 || dimension > Integer.MAX_VALUE) {
        throw new Malformed(
            "%s has a dimension of %d, expected one from 0 to %d: it is negative or too large to hold"
                .formatted(name, dimension, Integer.MAX_VALUE));
      }
      shape.add((int) dimension);
      if (dimension != 0 && bytes > Integer.MAX_VALUE / dimension) {
        throw new Malformed(
            "%s has shape %s, which takes 2 GiB or more".formatted(name, dimensions));
      }
      bytes *= dimension;
    }
    return shape;
  }

  /** The strides of an array without gaps, the last index the fastest. */
  static List<Long> rowMajor(List<Integer> shape) {
    List<Long> strides = new ArrayList<>();
    long stride = 1;
    for (int dimension : shape.reversed()) {
      strides.add(stride);
      stride *= Math.max(1, dimension);
    }
    Collections.reverse(strides);
    return strides;
  }

  int size() {
    return shape.stream().reduce(1, Math::multiplyExact);
  }

  /** The array as float32, after a look at its checksum. */
  Tensor read() throws IOException, Malformed {
    check.run();
    float[] values = new float[size()];
    if (isRowMajor()) {
      readRun(values);
    } else if (values.length > 0) {
      readStrided(values);
    }
    return new Tensor(shape, values);
  }

  /** Dimensions of one index may have any stride. */
  private boolean isRowMajor() {
    List<Long> plain = rowMajor(shape);
    for (int d = 0; d < shape.size(); d++) {
      if (shape.get(d) > 1 && !strides.get(d).equals(plain.get(d))) {
        return false;
      }
    }
    return true;
  }

  private void readRun(float[] values) throws IOException {
    int most = CHUNK_BYTES / type.bytes();
    ByteBuffer chunk = buffer(Math.min(most, values.length) * type.bytes());
    for (int at = 0; at < values.length; ) {
      int count = Math.min(most, values.length - at);
      chunk.clear().limit(count * type.bytes());
      Bytes.readFully(channel, chunk, position + (long) at * type.bytes());
      for (int i = 0; i < count; i++) {
        values[at + i] = type.floatAt(chunk, i * type.bytes());
      }
      at += count;
    }
  }

  private void readStrided(float[] values) throws IOException, Malformed {
    long last = 0;
    for (int d = 0; d < shape.size(); d++) {
      last += (shape.get(d) - 1) * strides.get(d);
    }
    if (last >= Math.min((long) MOST_SPREAD * values.length, MOST_WINDOW_BYTES / type.bytes())) {
      throw new Malformed(
          "an array of shape %s and strides %s lies scattered over %d elements, expected at most %d times its own: save a contiguous copy"
              .formatted(shape, strides, last + 1, MOST_SPREAD));
    }
    ByteBuffer window = buffer(Math.multiplyExact((int) last + 1, type.bytes()));
    Bytes.readFully(channel, window, position);
    int[] index = new int[shape.size()];
    int at = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = type.floatAt(window, at * type.bytes());
      for (int d = index.length - 1; d >= 0; d--) {
        int stride = (int) (long) strides.get(d);
        at += stride;
        if (++index[d] < shape.get(d)) {
          break;
        }
        at -= stride * index[d];
        index[d] = 0;
      }
    }
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
