package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** The C functions of tensors. */
final class TensorFunctions {
  private final NativeLibrary c;
  private final int elementTypeShift;
  private final MethodHandle over;
  private final MethodHandle bytes;
  private final MethodHandle data;
  private final MethodHandle type;
  private final MethodHandle shape;
  private final MethodHandle shapeFree;
  private final MethodHandle free;

  /**
   * @param elementTypeShift what this runtime adds to the numbers of {@link ElementType#code}
   */
  TensorFunctions(NativeLibrary c, int elementTypeShift) {
    this.c = c;
    this.elementTypeShift = elementTypeShift;
    over =
        c.status("ov_tensor_create_from_host_ptr", JAVA_INT, NativeShapes.SHAPE, ADDRESS, ADDRESS);
    bytes = c.status("ov_tensor_get_byte_size", ADDRESS, ADDRESS);
    data = c.status("ov_tensor_data", ADDRESS, ADDRESS);
    type = c.status("ov_tensor_get_element_type", ADDRESS, ADDRESS);
    shape = c.status("ov_tensor_get_shape", ADDRESS, ADDRESS);
    shapeFree = c.nothing("ov_shape_free", ADDRESS);
    free = c.nothing("ov_tensor_free", ADDRESS);
  }

  int number(ElementType elementType) {
    return elementType.code() + elementTypeShift;
  }

  ElementType type(int number) {
    return ElementType.ofCode(number - elementTypeShift);
  }

  /** A tensor over memory that must outlive it. */
  MemorySegment over(ElementType elementType, long[] dimensions, MemorySegment memory) {
    int number = number(elementType);
    return c.made(
        "creating a tensor of " + elementType + " in the shape " + Arrays.toString(dimensions),
        (arena, out) ->
            (int) over.invokeExact(number, NativeShapes.shape(arena, dimensions), memory, out));
  }

  long byteSize(MemorySegment tensor) {
    return c.counted(
        "asking for a tensor's size", (arena, out) -> (int) bytes.invokeExact(tensor, out));
  }

  ElementType type(MemorySegment tensor) {
    return type(
        c.numbered(
            "asking for a tensor's element type",
            (arena, out) -> (int) type.invokeExact(tensor, out)));
  }

  long[] shape(MemorySegment tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(NativeShapes.SHAPE);
      c.check("asking for a tensor's shape", () -> (int) shape.invokeExact(tensor, out));
      try {
        return NativeShapes.read(out);
      } finally {
        NativeLibrary.free(shapeFree, out);
      }
    }
  }

  /** The tensor's values where they are; they move or go when an inference runs. */
  MemorySegment data(MemorySegment tensor) {
    return c.made("reading a tensor", (arena, out) -> (int) data.invokeExact(tensor, out))
        .reinterpret(byteSize(tensor));
  }

  void free(MemorySegment tensor) {
    NativeLibrary.free(free, tensor);
  }
}
