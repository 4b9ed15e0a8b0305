package io.pulmo.openvino;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * An array in native memory that requests read inputs from and write outputs to.
 *
 * <p>Its memory is its own ({@link #allocate}) or the caller's ({@link #over}). Allocating and
 * freeing cost about a tenth of a millisecond: keep tensors and fill them anew. Filling one while a
 * request reads it gives that request a mixture; reading one while a request writes it, likewise.
 *
 * <p>Values are in row-major order, in the machine's byte order.
 */
public final class Tensor implements AutoCloseable {
  private static final long ALIGNMENT_BYTES = 64;

  private final ElementType type;
  private final List<Long> shape;
  private final MemorySegment data;
  private final Handle handle;

  private Tensor(
      OpenVinoNative openVino,
      ElementType type,
      long[] shape,
      MemorySegment data,
      @Nullable Arena own) {
    this.type = type;
    this.shape = LongStream.of(shape).boxed().toList();
    this.data = data;
    this.handle =
        new Handle(
            "Tensor",
            openVino.tensors.over(type, shape, data),
            tensor -> {
              openVino.tensors.free(tensor);
              if (own != null) {
                own.close();
              }
            });
    handle.watch(this);
  }

  /**
   * A tensor of zeros.
   *
   * @param shape its dimensions, each at least 1; none for a single value
   * @throws IllegalArgumentException if a dimension is smaller, the type is {@link
   *     ElementType#OTHER}, or there is not enough memory for so many
   */
  public static Tensor allocate(ElementType type, long... shape) {
    long[] own = shape.clone();
    long bytes = bytes(type, own);
    Arena arena = Arena.ofShared();
    try {
      return new Tensor(
          OpenVinoNative.loaded(), type, own, reserve(arena, bytes, type, own), arena);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  private static MemorySegment reserve(Arena arena, long bytes, ElementType type, long[] shape) {
    try {
      return arena.allocate(bytes, ALIGNMENT_BYTES);
    } catch (OutOfMemoryError e) {
      // Refused before anything was touched, so the process is as well as before.
      throw new IllegalArgumentException(
          "a tensor of "
              + type
              + " in the shape "
              + Arrays.toString(shape)
              + " takes "
              + bytes
              + " bytes, more than there are: ask for fewer, or raise -XX:MaxDirectMemorySize",
          e);
    }
  }

  /**
   * A tensor over memory of the caller's, which is neither copied nor freed. What is written there
   * between inferences is what the next one reads.
   *
   * <p>The tensor keeps the segment reachable, which is enough for memory of an automatic arena and
   * of a mapped file. Another arena must stay open until the tensor and all requests that use it
   * are closed; starting an inference over memory that is gone is an {@link IllegalStateException},
   * but closing the arena under one that is running ends the process.
   *
   * @param memory native, aligned to the element type, at least as long as the shape says
   * @param shape its dimensions, each at least 1; none for a single value
   * @throws IllegalArgumentException if one of these is not so
   * @throws IllegalStateException if the memory's arena is closed
   */
  public static Tensor over(ElementType type, MemorySegment memory, long... shape) {
    long[] own = shape.clone();
    long bytes = bytes(type, own);
    if (!memory.isNative()) {
      throw new IllegalArgumentException(
          memory + " is on the heap, expected native memory: allocate it from an Arena");
    }
    if (memory.byteSize() < bytes) {
      throw new IllegalArgumentException(
          memory.byteSize()
              + " bytes were given, expected "
              + bytes
              + " for "
              + type
              + " in the shape "
              + Arrays.toString(shape));
    }
    if (memory.address() % type.bytes() != 0) {
      throw new IllegalArgumentException(
          "the memory begins at " + memory.address() + ", expected a multiple of " + type.bytes());
    }
    requireAlive(memory);
    return new Tensor(OpenVinoNative.loaded(), type, own, memory.asSlice(0, bytes), null);
  }

  private static long bytes(ElementType type, long[] shape) {
    NativeShapes.requireShape(shape);
    if (type == ElementType.OTHER) {
      throw new IllegalArgumentException("element type is OTHER, expected one with a size");
    }
    try {
      return LongStream.of(shape).reduce(type.bytes(), Math::multiplyExact);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "shape is " + Arrays.toString(shape) + ", expected fewer than 2^63 bytes", e);
    }
  }

  Handle handle() {
    return handle;
  }

  void requireAlive() {
    requireAlive(data);
  }

  private static void requireAlive(MemorySegment memory) {
    if (!memory.scope().isAlive()) {
      throw new IllegalStateException(
          "this Tensor's memory is gone: close the arena after the tensor and its requests");
    }
  }

  void requireWritable() {
    if (data.isReadOnly()) {
      throw new IllegalArgumentException(
          "this Tensor's memory is read-only, expected memory that an output can be written to");
    }
  }

  /** What it holds. */
  public ElementType type() {
    return type;
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
   * The values where they are, without a copy. A tensor's own memory cannot be reached any more
   * once the tensor is freed: that is an {@link IllegalStateException}.
   *
   * @throws IllegalStateException if closed
   */
  public MemorySegment segment() {
    return handle.use(ignored -> data);
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
    require(Set.of(ElementType.F32), at, offset, length, source.length);
    handle.run(
        ignored ->
            MemorySegment.copy(
                source, offset, data, ValueLayout.JAVA_FLOAT, at * Float.BYTES, length));
  }

  /** As {@link #write(long, float[], int, int)}, for U8, I8 and BOOLEAN. */
  public void write(long at, byte[] source, int offset, int length) {
    require(
        Set.of(ElementType.U8, ElementType.I8, ElementType.BOOLEAN),
        at,
        offset,
        length,
        source.length);
    handle.run(
        ignored -> MemorySegment.copy(source, offset, data, ValueLayout.JAVA_BYTE, at, length));
  }

  /** As {@link #write(long, float[], int, int)}, for I32 and U32. */
  public void write(long at, int[] source, int offset, int length) {
    require(Set.of(ElementType.I32, ElementType.U32), at, offset, length, source.length);
    handle.run(
        ignored ->
            MemorySegment.copy(
                source, offset, data, ValueLayout.JAVA_INT, at * Integer.BYTES, length));
  }

  /** As {@link #write(long, float[], int, int)}, for I64 and U64. */
  public void write(long at, long[] source, int offset, int length) {
    require(Set.of(ElementType.I64, ElementType.U64), at, offset, length, source.length);
    handle.run(
        ignored ->
            MemorySegment.copy(
                source, offset, data, ValueLayout.JAVA_LONG, at * Long.BYTES, length));
  }

  /**
   * Copies floats out of the tensor.
   *
   * @param at index of the first element read, in row-major order
   * @param target where they go
   * @param offset index of the first value written
   * @param length how many
   * @throws IllegalStateException if closed or not of F32
   * @throws IndexOutOfBoundsException if there are not so many
   */
  public void read(long at, float[] target, int offset, int length) {
    require(Set.of(ElementType.F32), at, offset, length, target.length);
    handle.run(
        ignored ->
            MemorySegment.copy(
                data, ValueLayout.JAVA_FLOAT, at * Float.BYTES, target, offset, length));
  }

  private void require(Set<ElementType> types, long at, int offset, int length, int array) {
    if (!types.contains(type)) {
      throw new IllegalStateException("this Tensor holds " + type + ", not " + named(types));
    }
    Objects.checkFromIndexSize(at, length, size());
    Objects.checkFromIndexSize(offset, length, array);
  }

  private static String named(Set<ElementType> types) {
    return String.join(" or ", types.stream().map(Enum::name).sorted().toList());
  }

  /** Frees the memory, if it is its own, once no request uses it any more. */
  @Override
  public void close() {
    handle.close();
  }
}
