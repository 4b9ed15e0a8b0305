package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The C functions of the runtime itself: devices, properties, reading and compiling. */
final class CoreFunctions {
  /** Its value would be a pointer to functions; a string in its place would be called. */
  private static final String POINTER_PROPERTY = "CACHE_ENCRYPTION_CALLBACKS";

  private static final long VERSION_WORDS = 3;

  private record Compiler(String function, int properties) {}

  private final NativeLibrary c;
  private final Map<Compiler, MethodHandle> compilers = new ConcurrentHashMap<>();
  private final MethodHandle create;
  private final MethodHandle free;
  private final MethodHandle devices;
  private final MethodHandle devicesFree;
  private final MethodHandle versions;
  private final MethodHandle versionsFree;
  private final MethodHandle property;
  private final MethodHandle setProperty;
  private final MethodHandle read;
  private final MethodHandle readBytes;
  private final MethodHandle importModel;

  CoreFunctions(NativeLibrary c) {
    this.c = c;
    create = c.status("ov_core_create", ADDRESS);
    free = c.nothing("ov_core_free", ADDRESS);
    devices = c.status("ov_core_get_available_devices", ADDRESS, ADDRESS);
    devicesFree = c.nothing("ov_available_devices_free", ADDRESS);
    versions = c.status("ov_core_get_versions_by_device_name", ADDRESS, ADDRESS, ADDRESS);
    versionsFree = c.nothing("ov_core_versions_free", ADDRESS);
    property = c.status("ov_core_get_property", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    setProperty =
        c.function(
            "ov_core_set_property",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS),
            Linker.Option.firstVariadicArg(2));
    read = c.status("ov_core_read_model", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    readBytes =
        c.status(
            "ov_core_read_model_from_memory_buffer", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);
    importModel = c.status("ov_core_import_model", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);
  }

  MemorySegment create() {
    return c.made("starting OpenVINO", (arena, out) -> (int) create.invokeExact(out));
  }

  void free(MemorySegment core) {
    NativeLibrary.free(free, core);
  }

  List<String> availableDevices(MemorySegment core) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment list = arena.allocate(OpenVinoNative.TWO_WORDS);
      c.check("listing devices", () -> (int) devices.invokeExact(core, list));
      try {
        long count = list.get(JAVA_LONG, ADDRESS.byteSize());
        MemorySegment names = list.get(ADDRESS, 0).reinterpret(count * ADDRESS.byteSize());
        List<String> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          all.add(NativeLibrary.string(names.getAtIndex(ADDRESS, i)));
        }
        return List.copyOf(all);
      } finally {
        NativeLibrary.free(devicesFree, list);
      }
    }
  }

  List<PluginVersion> versions(MemorySegment core, String device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment list = arena.allocate(OpenVinoNative.TWO_WORDS);
      MemorySegment name = NativeLibrary.text(arena, device);
      c.check(
          "asking for the version of " + device,
          () -> (int) versions.invokeExact(core, name, list));
      try {
        long count = list.get(JAVA_LONG, ADDRESS.byteSize());
        MemorySegment texts =
            list.get(ADDRESS, 0).reinterpret(count * VERSION_WORDS * ADDRESS.byteSize());
        List<PluginVersion> all = new ArrayList<>();
        for (long i = 0; i < count * VERSION_WORDS; i += VERSION_WORDS) {
          all.add(
              new PluginVersion(
                  NativeLibrary.string(texts.getAtIndex(ADDRESS, i)),
                  NativeLibrary.string(texts.getAtIndex(ADDRESS, i + 1)),
                  NativeLibrary.string(texts.getAtIndex(ADDRESS, i + 2))));
        }
        return List.copyOf(all);
      } finally {
        NativeLibrary.free(versionsFree, list);
      }
    }
  }

  String property(MemorySegment core, String device, String key) {
    return c.owned(
        c.made(
            "reading property " + key + " of " + device,
            (arena, out) ->
                (int)
                    property.invokeExact(
                        core,
                        NativeLibrary.text(arena, device),
                        NativeLibrary.text(arena, key),
                        out)));
  }

  /**
   * @param device null for all
   */
  void setProperty(MemorySegment core, @Nullable String device, String key, String value) {
    requireText(key);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = NativeLibrary.textOrNull(arena, device);
      MemorySegment keyText = NativeLibrary.text(arena, key);
      MemorySegment valueText = NativeLibrary.text(arena, value);
      c.check(
          "setting property "
              + key
              + " of "
              + (device == null ? "all devices" : device)
              + " to "
              + value,
          () -> (int) setProperty.invokeExact(core, name, keyText, valueText));
    }
  }

  /**
   * @param weights null to let OpenVINO look beside the model
   */
  MemorySegment read(MemorySegment core, String path, @Nullable String weights) {
    return c.made(
        "reading model " + path + (weights == null ? "" : " with " + weights),
        (arena, out) ->
            (int)
                read.invokeExact(
                    core,
                    NativeLibrary.text(arena, path),
                    NativeLibrary.textOrNull(arena, weights),
                    out));
  }

  /**
   * @param weights a tensor of U8 that must outlive the model, or NULL
   */
  MemorySegment read(MemorySegment core, byte[] model, MemorySegment weights) {
    return c.made(
        "reading a model of " + model.length + " bytes from memory",
        (arena, out) ->
            (int)
                readBytes.invokeExact(
                    core, arena.allocateFrom(JAVA_BYTE, model), (long) model.length, weights, out));
  }

  MemorySegment compile(
      MemorySegment core, MemorySegment model, String device, Map<String, String> properties) {
    return compile("ov_core_compile_model", "a model", core, arena -> model, device, properties);
  }

  MemorySegment compileFile(
      MemorySegment core, String path, String device, Map<String, String> properties) {
    return compile(
        "ov_core_compile_model_from_file",
        path,
        core,
        arena -> NativeLibrary.text(arena, path),
        device,
        properties);
  }

  @FunctionalInterface
  private interface Source {
    MemorySegment in(Arena arena);
  }

  private MemorySegment compile(
      String function,
      String what,
      MemorySegment core,
      Source source,
      String device,
      Map<String, String> properties) {
    properties.keySet().forEach(CoreFunctions::requireText);
    MethodHandle compile =
        compilers.computeIfAbsent(new Compiler(function, properties.size()), this::compiler);
    return c.made(
        "compiling " + what + " for " + device + " with " + properties,
        (arena, out) -> {
          List<Object> arguments = new ArrayList<>();
          arguments.add(core);
          arguments.add(source.in(arena));
          arguments.add(NativeLibrary.text(arena, device));
          arguments.add(2L * properties.size());
          arguments.add(out);
          properties.forEach(
              (key, value) -> {
                arguments.add(NativeLibrary.text(arena, key));
                arguments.add(NativeLibrary.text(arena, value));
              });
          return (int) compile.invokeWithArguments(arguments);
        });
  }

  /** The functions are variadic in C, so they take a handle for each number of properties. */
  private MethodHandle compiler(Compiler compiler) {
    List<MemoryLayout> arguments =
        new ArrayList<>(List.of(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
    int fixed = arguments.size();
    for (int i = 0; i < 2 * compiler.properties(); i++) {
      arguments.add(ADDRESS);
    }
    return c.function(
        compiler.function(),
        FunctionDescriptor.of(JAVA_INT, arguments.toArray(MemoryLayout[]::new)),
        Linker.Option.firstVariadicArg(fixed));
  }

  MemorySegment importModel(MemorySegment core, MemorySegment content, String what, String device) {
    return c.made(
        "importing " + what + " for " + device,
        (arena, out) ->
            (int)
                importModel.invokeExact(
                    core, content, content.byteSize(), NativeLibrary.text(arena, device), out));
  }

  static void requireText(String key) {
    if (key.equals(POINTER_PROPERTY)) {
      throw new IllegalArgumentException(
          key
              + " takes C functions, not a string: leave it out; an encrypted disk protects a cache");
    }
  }
}
