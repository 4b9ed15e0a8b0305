package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/** The C functions of compiled models. */
final class CompiledFunctions {
  private final NativeLibrary c;
  private final PortFunctions ports;
  private final PortFunctions.Side inputs;
  private final PortFunctions.Side outputs;
  private final MethodHandle property;
  private final MethodHandle setProperty;
  private final MethodHandle createRequest;
  private final MethodHandle export;
  private final MethodHandle free;

  CompiledFunctions(NativeLibrary c, PortFunctions ports) {
    this.c = c;
    this.ports = ports;
    inputs =
        new PortFunctions.Side(
            c.status("ov_compiled_model_inputs_size", ADDRESS, ADDRESS),
            c.status("ov_compiled_model_input_by_index", ADDRESS, JAVA_LONG, ADDRESS),
            c.status("ov_compiled_model_input_by_name", ADDRESS, ADDRESS, ADDRESS));
    outputs =
        new PortFunctions.Side(
            c.status("ov_compiled_model_outputs_size", ADDRESS, ADDRESS),
            c.status("ov_compiled_model_output_by_index", ADDRESS, JAVA_LONG, ADDRESS),
            c.status("ov_compiled_model_output_by_name", ADDRESS, ADDRESS, ADDRESS));
    property = c.status("ov_compiled_model_get_property", ADDRESS, ADDRESS, ADDRESS);
    setProperty =
        c.function(
            "ov_compiled_model_set_property",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS),
            Linker.Option.firstVariadicArg(1));
    createRequest = c.status("ov_compiled_model_create_infer_request", ADDRESS, ADDRESS);
    export = c.status("ov_compiled_model_export_model", ADDRESS, ADDRESS);
    free = c.nothing("ov_compiled_model_free", ADDRESS);
  }

  List<Port> inputs(MemorySegment compiled) {
    return ports.all(inputs, compiled);
  }

  List<Port> outputs(MemorySegment compiled) {
    return ports.all(outputs, compiled);
  }

  Port input(MemorySegment compiled, List<Port> all, String wanted) {
    return ports.named(inputs, compiled, all, wanted);
  }

  Port output(MemorySegment compiled, List<Port> all, String wanted) {
    return ports.named(outputs, compiled, all, wanted);
  }

  String property(MemorySegment compiled, String key) {
    return c.owned(
        c.made(
            "reading property " + key + " of a compiled model",
            (arena, out) ->
                (int) property.invokeExact(compiled, NativeLibrary.text(arena, key), out)));
  }

  void setProperty(MemorySegment compiled, String key, String value) {
    CoreFunctions.requireText(key);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment keyText = NativeLibrary.text(arena, key);
      MemorySegment valueText = NativeLibrary.text(arena, value);
      c.check(
          "setting property " + key + " of a compiled model to " + value,
          () -> (int) setProperty.invokeExact(compiled, keyText, valueText));
    }
  }

  MemorySegment createRequest(MemorySegment compiled) {
    return c.made(
        "creating an infer request",
        (arena, out) -> (int) createRequest.invokeExact(compiled, out));
  }

  void export(MemorySegment compiled, String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment file = NativeLibrary.text(arena, path);
      c.check(
          "exporting a compiled model to " + path, () -> (int) export.invokeExact(compiled, file));
    }
  }

  void free(MemorySegment compiled) {
    NativeLibrary.free(free, compiled);
  }
}
