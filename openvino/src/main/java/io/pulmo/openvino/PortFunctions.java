package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/** The C functions of ports, the inputs and outputs of models. */
final class PortFunctions {
  /** The C functions that hand out one side's ports of a model or of a compiled model. */
  record Side(MethodHandle size, MethodHandle byIndex, MethodHandle byName) {}

  private final NativeLibrary c;
  private final TensorFunctions tensors;
  private final MethodHandle name;
  private final MethodHandle type;
  private final MethodHandle shape;
  private final MethodHandle shapeFree;
  private final MethodHandle free;

  PortFunctions(NativeLibrary c, TensorFunctions tensors) {
    this.c = c;
    this.tensors = tensors;
    name = c.status("ov_port_get_any_name", ADDRESS, ADDRESS);
    type = c.status("ov_port_get_element_type", ADDRESS, ADDRESS);
    shape = c.status("ov_port_get_partial_shape", ADDRESS, ADDRESS);
    shapeFree = c.nothing("ov_partial_shape_free", ADDRESS);
    free = c.nothing("ov_output_const_port_free", ADDRESS);
  }

  List<Port> all(Side side, MemorySegment model) {
    long count =
        c.counted(
            "counting a model's ports", (arena, out) -> (int) side.size().invokeExact(model, out));
    List<Port> ports = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long index = i;
      MemorySegment port =
          c.made(
              "asking for port " + i + " of a model",
              (arena, out) -> (int) side.byIndex().invokeExact(model, index, out));
      try {
        ports.add(new Port(i, name(port), type(port), shape(port)));
      } finally {
        NativeLibrary.free(free, port);
      }
    }
    return List.copyOf(ports);
  }

  /**
   * The port that goes by a name. A port may have several, of which {@link Port#name} is one.
   *
   * @throws OpenVinoException if none does
   */
  Port named(Side side, MemorySegment model, List<Port> ports, String wanted) {
    for (Port port : ports) {
      if (!wanted.isEmpty() && port.name().equals(wanted)) {
        return port;
      }
    }
    MemorySegment found =
        c.made(
            "looking for '" + wanted + "' among " + ports,
            (arena, out) ->
                (int) side.byName().invokeExact(model, NativeLibrary.text(arena, wanted), out));
    try {
      String known = name(found);
      return ports.stream()
          .filter(port -> port.name().equals(known))
          .findFirst()
          .orElseThrow(
              () -> new IllegalStateException("'" + wanted + "' is '" + known + "' in " + ports));
    } finally {
      NativeLibrary.free(free, found);
    }
  }

  private String name(MemorySegment port) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      // An error says that the port has no name, which is none to its owner.
      return NativeLibrary.status(() -> (int) name.invokeExact(port, out)) == 0
          ? c.owned(out.get(ADDRESS, 0))
          : "";
    }
  }

  private ElementType type(MemorySegment port) {
    return tensors.type(
        c.numbered(
            "asking for a port's element type", (arena, out) -> (int) type.invokeExact(port, out)));
  }

  private PartialShape shape(MemorySegment port) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(NativeShapes.PARTIAL_SHAPE);
      c.check("asking for a port's shape", () -> (int) shape.invokeExact(port, out));
      try {
        return NativeShapes.readPartial(out);
      } finally {
        NativeLibrary.free(shapeFree, out);
      }
    }
  }
}
