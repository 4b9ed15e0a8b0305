package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * OpenVINO's C API: the one place where its functions are called. {@link NativeLibrary} turns their
 * statuses into exceptions.
 *
 * <p>The numbers of its element types moved by one between releases. At start two tensors are made
 * and their sizes looked at, which tells what numbering this runtime has.
 */
final class OpenVinoNative {
  private static final Object LOADING = new Object();
  private static @Nullable OpenVinoNative loaded;

  private static final int RESULT_NOT_READY = -9;

  /** {@code ov_shape_t}, passed by value: the rank and where the dimensions are. */
  private static final MemoryLayout SHAPE = MemoryLayout.structLayout(JAVA_LONG, ADDRESS);

  /** {@code ov_partial_shape_t}, passed by value: least and greatest rank, then the dimensions. */
  private static final MemoryLayout PARTIAL_SHAPE =
      MemoryLayout.structLayout(JAVA_LONG, JAVA_LONG, ADDRESS);

  /** A list or a pair: two words. */
  private static final MemoryLayout TWO_WORDS = MemoryLayout.structLayout(JAVA_LONG, JAVA_LONG);

  private static final int PROBE_ELEMENTS = 4;

  private final NativeLibrary c;
  private final OpenVinoNatives.Location location;
  private final int elementTypeShift;
  private final Map<Integer, MethodHandle> compileByProperties = new ConcurrentHashMap<>();

  private final MethodHandle getVersion;
  private final MethodHandle versionFree;
  private final MethodHandle coreCreate;
  private final MethodHandle coreFree;
  private final MethodHandle availableDevices;
  private final MethodHandle availableDevicesFree;
  private final MethodHandle coreProperty;
  private final MethodHandle readModel;
  private final MethodHandle reshape;
  private final MethodHandle modelFree;
  private final MethodHandle compiledProperty;
  private final MethodHandle compiledInput;
  private final MethodHandle compiledOutput;
  private final MethodHandle compiledFree;
  private final MethodHandle portShape;
  private final MethodHandle portFree;
  private final MethodHandle shapeFree;
  private final MethodHandle createRequest;
  private final MethodHandle setInput;
  private final MethodHandle getOutput;
  private final MethodHandle infer;
  private final MethodHandle startAsync;
  private final MethodHandle await;
  private final MethodHandle waitFor;
  private final MethodHandle requestFree;
  private final MethodHandle tensorOver;
  private final MethodHandle tensorBytes;
  private final MethodHandle tensorData;
  private final MethodHandle tensorFree;

  private OpenVinoNative(OpenVinoNatives.Location location) {
    this.location = location;
    c = new NativeLibrary(location.library());
    getVersion = c.status("ov_get_openvino_version", ADDRESS);
    versionFree = c.nothing("ov_version_free", ADDRESS);
    coreCreate = c.status("ov_core_create", ADDRESS);
    coreFree = c.nothing("ov_core_free", ADDRESS);
    availableDevices = c.status("ov_core_get_available_devices", ADDRESS, ADDRESS);
    availableDevicesFree = c.nothing("ov_available_devices_free", ADDRESS);
    coreProperty = c.status("ov_core_get_property", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    readModel = c.status("ov_core_read_model", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    reshape = c.status("ov_model_reshape_single_input", ADDRESS, PARTIAL_SHAPE);
    modelFree = c.nothing("ov_model_free", ADDRESS);
    compiledProperty = c.status("ov_compiled_model_get_property", ADDRESS, ADDRESS, ADDRESS);
    compiledInput = c.status("ov_compiled_model_input", ADDRESS, ADDRESS);
    compiledOutput = c.status("ov_compiled_model_output", ADDRESS, ADDRESS);
    compiledFree = c.nothing("ov_compiled_model_free", ADDRESS);
    portShape = c.status("ov_const_port_get_shape", ADDRESS, ADDRESS);
    portFree = c.nothing("ov_output_const_port_free", ADDRESS);
    shapeFree = c.nothing("ov_shape_free", ADDRESS);
    createRequest = c.status("ov_compiled_model_create_infer_request", ADDRESS, ADDRESS);
    setInput = c.status("ov_infer_request_set_input_tensor", ADDRESS, ADDRESS);
    getOutput = c.status("ov_infer_request_get_output_tensor", ADDRESS, ADDRESS);
    infer = c.status("ov_infer_request_infer", ADDRESS);
    startAsync = c.status("ov_infer_request_start_async", ADDRESS);
    await = c.status("ov_infer_request_wait", ADDRESS);
    waitFor = c.status("ov_infer_request_wait_for", ADDRESS, JAVA_LONG);
    requestFree = c.nothing("ov_infer_request_free", ADDRESS);
    tensorOver = c.status("ov_tensor_create_from_host_ptr", JAVA_INT, SHAPE, ADDRESS, ADDRESS);
    tensorBytes = c.status("ov_tensor_get_byte_size", ADDRESS, ADDRESS);
    tensorData = c.status("ov_tensor_data", ADDRESS, ADDRESS);
    tensorFree = c.nothing("ov_tensor_free", ADDRESS);
    elementTypeShift = probeElementTypes();
  }

  /** The library, located and loaded by the first caller; a failure is tried again by the next. */
  static OpenVinoNative loaded() {
    synchronized (LOADING) {
      if (loaded == null) {
        loaded = new OpenVinoNative(OpenVinoNatives.locate());
      }
      return loaded;
    }
  }

  OpenVinoNatives.Location location() {
    return location;
  }

  static void requireShape(long[] shape) {
    for (long dimension : shape) {
      if (dimension < 1) {
        throw new IllegalArgumentException(
            "shape is " + Arrays.toString(shape) + ", expected every dimension to be at least 1");
      }
    }
  }

  String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment version = arena.allocate(TWO_WORDS);
      c.check("asking for the version", () -> (int) getVersion.invokeExact(version));
      String build = NativeLibrary.string(version.get(ADDRESS, 0));
      NativeLibrary.free(versionFree, version);
      return build;
    }
  }

  MemorySegment coreCreate() {
    return c.made("starting OpenVINO", (arena, out) -> (int) coreCreate.invokeExact(out));
  }

  void coreFree(MemorySegment core) {
    NativeLibrary.free(coreFree, core);
  }

  List<String> availableDevices(MemorySegment core) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment list = arena.allocate(TWO_WORDS);
      c.check("listing devices", () -> (int) availableDevices.invokeExact(core, list));
      long count = list.get(JAVA_LONG, ADDRESS.byteSize());
      MemorySegment names = list.get(ADDRESS, 0).reinterpret(count * ADDRESS.byteSize());
      List<String> devices = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        devices.add(NativeLibrary.string(names.getAtIndex(ADDRESS, i)));
      }
      NativeLibrary.free(availableDevicesFree, list);
      return List.copyOf(devices);
    }
  }

  String coreProperty(MemorySegment core, String device, String key) {
    return c.owned(
        c.made(
            "reading property " + key + " of " + device,
            (arena, out) ->
                (int)
                    coreProperty.invokeExact(
                        core, arena.allocateFrom(device), arena.allocateFrom(key), out)));
  }

  MemorySegment readModel(MemorySegment core, String path) {
    return c.made(
        "reading model " + path,
        (arena, out) ->
            (int) readModel.invokeExact(core, arena.allocateFrom(path), MemorySegment.NULL, out));
  }

  void reshape(MemorySegment model, long[] shape) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment dimensions = arena.allocate(JAVA_LONG, 2L * shape.length);
      for (int i = 0; i < shape.length; i++) {
        dimensions.setAtIndex(JAVA_LONG, 2L * i, shape[i]);
        dimensions.setAtIndex(JAVA_LONG, 2L * i + 1, shape[i]);
      }
      MemorySegment partial = arena.allocate(PARTIAL_SHAPE);
      partial.setAtIndex(JAVA_LONG, 0, shape.length);
      partial.setAtIndex(JAVA_LONG, 1, shape.length);
      partial.setAtIndex(ADDRESS, 2, dimensions);
      c.check(
          "reshaping a model to " + Arrays.toString(shape),
          () -> (int) reshape.invokeExact(model, partial));
    }
  }

  void modelFree(MemorySegment model) {
    NativeLibrary.free(modelFree, model);
  }

  MemorySegment compile(
      MemorySegment core, MemorySegment model, String device, Map<String, String> properties) {
    MethodHandle compile = compileByProperties.computeIfAbsent(properties.size(), this::compiler);
    return c.made(
        "compiling a model for " + device + " with " + properties,
        (arena, out) -> {
          List<Object> arguments = new ArrayList<>();
          arguments.addAll(
              List.of(core, model, arena.allocateFrom(device), 2L * properties.size(), out));
          properties.forEach(
              (key, value) -> {
                arguments.add(arena.allocateFrom(key));
                arguments.add(arena.allocateFrom(value));
              });
          return (int) compile.invokeWithArguments(arguments);
        });
  }

  /** The function is variadic in C, so it takes a method handle for each number of properties. */
  private MethodHandle compiler(int properties) {
    List<MemoryLayout> arguments =
        new ArrayList<>(List.of(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
    int fixed = arguments.size();
    for (int i = 0; i < 2 * properties; i++) {
      arguments.add(ADDRESS);
    }
    return c.function(
        "ov_core_compile_model",
        FunctionDescriptor.of(JAVA_INT, arguments.toArray(MemoryLayout[]::new)),
        Linker.Option.firstVariadicArg(fixed));
  }

  String compiledProperty(MemorySegment compiled, String key) {
    return c.owned(
        c.made(
            "reading property " + key + " of a compiled model",
            (arena, out) ->
                (int) compiledProperty.invokeExact(compiled, arena.allocateFrom(key), out)));
  }

  List<Long> inputShape(MemorySegment compiled) {
    return portShape(
        c.made(
            "asking for the input of a compiled model",
            (arena, out) -> (int) compiledInput.invokeExact(compiled, out)));
  }

  List<Long> outputShape(MemorySegment compiled) {
    return portShape(
        c.made(
            "asking for the output of a compiled model",
            (arena, out) -> (int) compiledOutput.invokeExact(compiled, out)));
  }

  private List<Long> portShape(MemorySegment port) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment shape = arena.allocate(SHAPE);
      c.check(
          "asking for the shape of a compiled model",
          () -> (int) portShape.invokeExact(port, shape));
      long rank = shape.get(JAVA_LONG, 0);
      MemorySegment dimensions =
          shape.get(ADDRESS, JAVA_LONG.byteSize()).reinterpret(rank * JAVA_LONG.byteSize());
      List<Long> list = Arrays.stream(dimensions.toArray(JAVA_LONG)).boxed().toList();
      NativeLibrary.free(shapeFree, shape);
      return list;
    } finally {
      NativeLibrary.free(portFree, port);
    }
  }

  void compiledModelFree(MemorySegment compiled) {
    NativeLibrary.free(compiledFree, compiled);
  }

  MemorySegment createInferRequest(MemorySegment compiled) {
    return c.made(
        "creating an infer request",
        (arena, out) -> (int) createRequest.invokeExact(compiled, out));
  }

  void setInput(MemorySegment request, MemorySegment tensor) {
    c.check("setting the input", () -> (int) setInput.invokeExact(request, tensor));
  }

  void infer(MemorySegment request) {
    c.check("inference", () -> (int) infer.invokeExact(request));
  }

  void startAsync(MemorySegment request) {
    c.check("starting inference", () -> (int) startAsync.invokeExact(request));
  }

  void await(MemorySegment request) {
    c.check("inference", () -> (int) await.invokeExact(request));
  }

  boolean waitFor(MemorySegment request, long timeoutMillis) {
    int status = NativeLibrary.status(() -> (int) waitFor.invokeExact(request, timeoutMillis));
    if (status == RESULT_NOT_READY) {
      return false;
    }
    c.require("inference", status);
    return true;
  }

  float[] output(MemorySegment request) {
    MemorySegment tensor =
        c.made("asking for the output", (arena, out) -> (int) getOutput.invokeExact(request, out));
    try {
      MemorySegment data =
          c.made("reading the output", (arena, out) -> (int) tensorData.invokeExact(tensor, out));
      return data.reinterpret(byteSize(tensor)).toArray(JAVA_FLOAT);
    } finally {
      tensorFree(tensor);
    }
  }

  void inferRequestFree(MemorySegment request) {
    NativeLibrary.free(requestFree, request);
  }

  /** A tensor over memory that must outlive it. */
  MemorySegment tensorOver(ElementType type, long[] shape, MemorySegment data) {
    return tensorOver(type.code() + elementTypeShift, shape, data);
  }

  void tensorFree(MemorySegment tensor) {
    NativeLibrary.free(tensorFree, tensor);
  }

  private MemorySegment tensorOver(int elementType, long[] dimensions, MemorySegment data) {
    return c.made(
        "creating a tensor of shape " + Arrays.toString(dimensions),
        (arena, out) -> {
          MemorySegment shape = arena.allocate(SHAPE);
          shape.setAtIndex(JAVA_LONG, 0, dimensions.length);
          shape.setAtIndex(ADDRESS, 1, arena.allocateFrom(JAVA_LONG, dimensions));
          return (int) tensorOver.invokeExact(elementType, shape, data, out);
        });
  }

  private long byteSize(MemorySegment tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(JAVA_LONG);
      c.check("asking for a tensor's size", () -> (int) tensorBytes.invokeExact(tensor, bytes));
      return bytes.get(JAVA_LONG, 0);
    }
  }

  private int probeElementTypes() {
    for (int shift : new int[] {0, 1}) {
      if (probedBytes(ElementType.F32.code() + shift) == PROBE_ELEMENTS * Float.BYTES
          && probedBytes(ElementType.U8.code() + shift) == PROBE_ELEMENTS) {
        return shift;
      }
    }
    throw new OpenVinoException(
        "checking " + location.library(),
        "UNKNOWN_ELEMENT_TYPES",
        "neither F32 nor U8 is numbered as in any release known; expected 2023 to 2026");
  }

  private long probedBytes(int elementType) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment room = arena.allocate(PROBE_ELEMENTS * Long.BYTES, Long.BYTES);
      MemorySegment tensor = tensorOver(elementType, new long[] {PROBE_ELEMENTS}, room);
      try {
        return byteSize(tensor);
      } finally {
        tensorFree(tensor);
      }
    }
  }
}
