package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/** The C functions of models that are not compiled. */
final class ModelFunctions {
  private final NativeLibrary c;
  private final PortFunctions ports;
  private final PortFunctions.Side inputs;
  private final PortFunctions.Side outputs;
  private final MethodHandle name;
  private final MethodHandle reshape;
  private final MethodHandle free;

  ModelFunctions(NativeLibrary c, PortFunctions ports) {
    this.c = c;
    this.ports = ports;
    inputs =
        new PortFunctions.Side(
            c.status("ov_model_inputs_size", ADDRESS, ADDRESS),
            c.status("ov_model_const_input_by_index", ADDRESS, JAVA_LONG, ADDRESS),
            c.status("ov_model_const_input_by_name", ADDRESS, ADDRESS, ADDRESS));
    outputs =
        new PortFunctions.Side(
            c.status("ov_model_outputs_size", ADDRESS, ADDRESS),
            c.status("ov_model_const_output_by_index", ADDRESS, JAVA_LONG, ADDRESS),
            c.status("ov_model_const_output_by_name", ADDRESS, ADDRESS, ADDRESS));
    name = c.status("ov_model_get_friendly_name", ADDRESS, ADDRESS);
    reshape = c.status("ov_model_reshape_by_port_indexes", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);
    free = c.nothing("ov_model_free", ADDRESS);
  }

  List<Port> inputs(MemorySegment model) {
    return ports.all(inputs, model);
  }

  List<Port> outputs(MemorySegment model) {
    return ports.all(outputs, model);
  }

  Port input(MemorySegment model, String wanted) {
    return ports.named(inputs, model, inputs(model), wanted);
  }

  Port output(MemorySegment model, String wanted) {
    return ports.named(outputs, model, outputs(model), wanted);
  }

  String name(MemorySegment model) {
    return c.owned(
        c.made("asking for a model's name", (arena, out) -> (int) name.invokeExact(model, out)));
  }

  void reshape(MemorySegment model, List<Integer> indexes, List<PartialShape> shapes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment which =
          arena.allocateFrom(JAVA_LONG, indexes.stream().mapToLong(Integer::longValue).toArray());
      MemorySegment partials = NativeShapes.partials(arena, shapes);
      c.check(
          "reshaping inputs " + indexes + " of a model to " + shapes,
          () -> (int) reshape.invokeExact(model, which, partials, (long) shapes.size()));
    }
  }

  void free(MemorySegment model) {
    NativeLibrary.free(free, model);
  }
}
