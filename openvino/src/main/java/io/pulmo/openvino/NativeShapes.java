package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Shapes as the C API lays them out; both structs are passed by value. */
final class NativeShapes {
  /** {@code ov_shape_t}: the rank and where the dimensions are. */
  static final MemoryLayout SHAPE = MemoryLayout.structLayout(JAVA_LONG, ADDRESS);

  /** {@code ov_partial_shape_t}: least and greatest rank, then where the dimensions are. */
  static final MemoryLayout PARTIAL_SHAPE =
      MemoryLayout.structLayout(JAVA_LONG, JAVA_LONG, ADDRESS);

  private static final long DIMENSION_WORDS = 2;

  private NativeShapes() {}

  static void requireShape(long[] shape) {
    for (long dimension : shape) {
      if (dimension < 1) {
        throw new IllegalArgumentException(
            "shape is " + Arrays.toString(shape) + ", expected every dimension to be at least 1");
      }
    }
  }

  static MemorySegment shape(Arena arena, long[] dimensions) {
    MemorySegment shape = arena.allocate(SHAPE);
    shape.setAtIndex(JAVA_LONG, 0, dimensions.length);
    shape.setAtIndex(ADDRESS, 1, arena.allocateFrom(JAVA_LONG, dimensions));
    return shape;
  }

  static long[] read(MemorySegment shape) {
    long rank = shape.get(JAVA_LONG, 0);
    return rank == 0
        ? new long[0]
        : shape
            .get(ADDRESS, JAVA_LONG.byteSize())
            .reinterpret(rank * JAVA_LONG.byteSize())
            .toArray(JAVA_LONG);
  }

  /** Several partial shapes, one behind the other. */
  static MemorySegment partials(Arena arena, List<PartialShape> shapes) {
    MemorySegment all = arena.allocate(PARTIAL_SHAPE, shapes.size());
    for (int i = 0; i < shapes.size(); i++) {
      PartialShape shape = shapes.get(i);
      if (!shape.hasRank()) {
        throw new IllegalArgumentException(
            "shape is " + shape + ", expected a number of dimensions to reshape to");
      }
      long rank = shape.dimensions().size();
      MemorySegment dimensions = arena.allocate(JAVA_LONG, DIMENSION_WORDS * Math.max(1, rank));
      for (int d = 0; d < rank; d++) {
        dimensions.setAtIndex(JAVA_LONG, DIMENSION_WORDS * d, shape.dimensions().get(d).min());
        dimensions.setAtIndex(JAVA_LONG, DIMENSION_WORDS * d + 1, shape.dimensions().get(d).max());
      }
      MemorySegment one = all.asSlice(i * PARTIAL_SHAPE.byteSize(), PARTIAL_SHAPE);
      one.setAtIndex(JAVA_LONG, 0, rank);
      one.setAtIndex(JAVA_LONG, 1, rank);
      one.setAtIndex(ADDRESS, 2, dimensions);
    }
    return all;
  }

  static PartialShape readPartial(MemorySegment shape) {
    long rank = shape.getAtIndex(JAVA_LONG, 0);
    if (rank != shape.getAtIndex(JAVA_LONG, 1)) {
      return PartialShape.ANY;
    }
    MemorySegment dimensions =
        shape.getAtIndex(ADDRESS, 2).reinterpret(rank * DIMENSION_WORDS * JAVA_LONG.byteSize());
    List<Dimension> list = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      list.add(
          new Dimension(
              dimensions.getAtIndex(JAVA_LONG, DIMENSION_WORDS * i),
              dimensions.getAtIndex(JAVA_LONG, DIMENSION_WORDS * i + 1)));
    }
    return new PartialShape(true, list);
  }
}
