package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * OpenVINO's C API, loaded once for the process. Its functions are called in the classes named here
 * and nowhere else; {@link NativeLibrary} turns their statuses into exceptions.
 *
 * <p>The numbers of its element types moved by one between releases. At start a tensor of each is
 * made and its size looked at, which tells what numbering this runtime has.
 */
final class OpenVinoNative {
  private static final Object LOADING = new Object();
  private static @Nullable OpenVinoNative loaded;

  /** A list or a pair: two words. */
  static final MemoryLayout TWO_WORDS = MemoryLayout.structLayout(JAVA_LONG, JAVA_LONG);

  private static final int PROBE_ELEMENTS = 4;

  private final NativeLibrary c;
  private final OpenVinoNatives.Location location;
  private final MethodHandle getVersion;
  private final MethodHandle versionFree;

  final TensorFunctions tensors;
  final PortFunctions ports;
  final CoreFunctions cores;
  final ModelFunctions models;
  final CompiledFunctions compiled;
  final RequestFunctions requests;
  final PreprocessFunctions preprocess;

  private OpenVinoNative(OpenVinoNatives.Location location) {
    this.location = location;
    c = new NativeLibrary(location.library());
    getVersion = c.status("ov_get_openvino_version", ADDRESS);
    versionFree = c.nothing("ov_version_free", ADDRESS);
    tensors = new TensorFunctions(c, probedShift());
    ports = new PortFunctions(c, tensors);
    cores = new CoreFunctions(c);
    models = new ModelFunctions(c, ports);
    compiled = new CompiledFunctions(c, ports);
    requests = new RequestFunctions(c);
    preprocess = new PreprocessFunctions(c, tensors);
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

  String version() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment version = arena.allocate(TWO_WORDS);
      c.check("asking for the version", () -> (int) getVersion.invokeExact(version));
      String build = NativeLibrary.string(version.get(ADDRESS, 0));
      NativeLibrary.free(versionFree, version);
      return build;
    }
  }

  private int probedShift() {
    for (int shift : List.of(0, 1)) {
      if (fits(new TensorFunctions(c, shift))) {
        return shift;
      }
    }
    throw new OpenVinoException(
        "checking " + location.library(),
        "UNKNOWN_ELEMENT_TYPES",
        "the element types are numbered as in no release known; expected 2025 or 2026");
  }

  private static boolean fits(TensorFunctions numbered) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment room = arena.allocate(PROBE_ELEMENTS * Long.BYTES, Long.BYTES);
      for (ElementType type : ElementType.values()) {
        if (type != ElementType.OTHER) {
          MemorySegment tensor = numbered.over(type, new long[] {PROBE_ELEMENTS}, room);
          try {
            if (numbered.byteSize(tensor) != (long) PROBE_ELEMENTS * type.bytes()) {
              return false;
            }
          } finally {
            numbered.free(tensor);
          }
        }
      }
      return true;
    }
  }
}
