package io.pulmo.openvino;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * An array in native memory of its own that a request reads its input from.
 *
 * <p>Allocating and freeing cost about a tenth of a millisecond: keep tensors and fill them anew.
 * Filling one while a request reads it gives that request a mixture.
 */
public final class Tensor implements AutoCloseable {
  private static final long ALIGNMENT_BYTES = 64;

  private final ElementType type;
  private final List<Long> shape;
  private final MemorySegment data;
  private final Handle handle;

  private Tensor(OpenVinoNative openVino, ElementType type, long[] shape) {
    OpenVinoNative.requireShape(shape);
    this.type = type;
    this.shape = LongStream.of(shape).boxed().toList();
    long bytes = LongStream.of(shape).reduce(type.bytes(), Math::multiplyExact);
    Arena arena = Arena.ofShared();
    try {
      this.data = arena.allocate(bytes, ALIGNMENT_BYTES);
      this.handle =
          new Handle(
              "Tensor",
              openVino.tensorOver(type, shape, data),
              tensor -> {
                openVino.tensorFree(tensor);
                arena.close();
              });
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /**
   * A tensor of zeros.
   *
   * @param shape its dimensions, each at least 1
   * @throws IllegalArgumentException if a dimension is smaller
   */
  public static Tensor allocate(ElementType type, long... shape) {
    return new Tensor(OpenVinoNative.loaded(), type, shape.clone());
  }

  Handle handle() {
    return handle;
  }

  /** The dimensions. */
  public List<Long> shape() {
    return shape;
  }

  /** The product of the dimensions. */
  public long size() {
    return data.byteSize() / type.bytes();
  }

  /**
   * Copies floats into the tensor.
   *
   * @param at index of the first element written, in row-major order
   * @param source an F32 tensor's values
   * @param offset index of the first value read
   * @param length how many
   * @throws IllegalStateException if closed or not of F32
   * @throws IndexOutOfBoundsException if they do not fit
   */
  public void write(long at, float[] source, int offset, int length) {
    if (type != ElementType.F32) {
      throw new IllegalStateException("this Tensor holds " + type + ", not F32");
    }
    Objects.checkFromIndexSize(at, length, size());
    Objects.checkFromIndexSize(offset, length, source.length);
    handle.run(
        ignored ->
            MemorySegment.copy(
                source, offset, data, ValueLayout.JAVA_FLOAT, at * Float.BYTES, length));
  }

  /** Frees the memory once no request reads it any more. */
  @Override
  public void close() {
    handle.close();
  }
}
