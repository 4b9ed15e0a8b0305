package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The loaded C library, and the edge at which a status other than OK becomes an {@link
 * OpenVinoException}.
 *
 * <p>OpenVINO keeps the text of its last error for the whole process. It is read under a lock, yet
 * when two calls fail in the same instant, both exceptions may carry the later text.
 */
final class NativeLibrary {
  private static final Linker LINKER = Linker.nativeLinker();

  static final int CANCELLED = -13;

  /**
   * The statuses that come from a C++ exception: general error, not implemented, busy, cancelled,
   * unknown. The others leave the last text as it was, which would be another call's.
   */
  private static final Set<Integer> WITH_TEXT = Set.of(-1, -2, -8, CANCELLED, -17);

  private final Object errors = new Object();
  private final Path file;
  private final SymbolLookup library;
  private final MethodHandle errorInfo;
  private final MethodHandle lastError;
  private final MethodHandle stringFree;

  /** Loads the library for the rest of the process. */
  NativeLibrary(Path file) {
    this.file = file;
    try {
      library = SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new OpenVinoException(
          file
              + " does not load; expected OpenVINO for this system with the libraries it needs beside"
              + " it: remove it and fetch it again, or set PULMO_OPENVINO to another's folder",
          e);
    }
    errorInfo = function("ov_get_error_info", FunctionDescriptor.of(ADDRESS, JAVA_INT));
    lastError = function("ov_get_last_err_msg", FunctionDescriptor.of(ADDRESS));
    stringFree = nothing("ov_free", ADDRESS);
  }

  MethodHandle status(String name, MemoryLayout... arguments) {
    return function(name, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  MethodHandle nothing(String name, MemoryLayout... arguments) {
    return function(name, FunctionDescriptor.ofVoid(arguments));
  }

  MethodHandle function(String name, FunctionDescriptor descriptor, Linker.Option... options) {
    MemorySegment address =
        library
            .find(name)
            .orElseThrow(
                () ->
                    new OpenVinoException(
                        "loading " + file,
                        "NO_SUCH_FUNCTION",
                        name + " is missing; expected OpenVINO's C API of 2025 or newer"));
    return LINKER.downcallHandle(address, descriptor, options);
  }

  /** A C function that returns a status. */
  @FunctionalInterface
  interface StatusCall {
    int run() throws Throwable;
  }

  /**
   * A C function that writes a pointer or a number to {@code out}; its other arguments may lie in
   * the arena.
   */
  @FunctionalInterface
  interface Maker {
    int run(Arena arena, MemorySegment out) throws Throwable;
  }

  /** The pointer that a call writes. */
  MemorySegment made(String action, Maker maker) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check(action, () -> maker.run(arena, out));
      return out.get(ADDRESS, 0);
    }
  }

  /** The {@code size_t} that a call writes. */
  long counted(String action, Maker maker) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      check(action, () -> maker.run(arena, out));
      return out.get(JAVA_LONG, 0);
    }
  }

  /** The enum that a call writes. */
  int numbered(String action, Maker maker) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      check(action, () -> maker.run(arena, out));
      return out.get(JAVA_INT, 0);
    }
  }

  void check(String action, StatusCall call) {
    require(action, status(call));
  }

  static int status(StatusCall call) {
    try {
      return call.run();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  static void free(MethodHandle function, MemorySegment what) {
    try {
      function.invokeExact(what);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  void require(String action, int status) {
    if (status == 0) {
      return;
    }
    String name;
    String text;
    synchronized (errors) {
      try {
        name = string((MemorySegment) errorInfo.invokeExact(status));
        text = WITH_TEXT.contains(status) ? owned((MemorySegment) lastError.invokeExact()) : "";
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new AssertionError("a C function threw", e);
      }
    }
    throw new OpenVinoException(action, name, text, status == CANCELLED);
  }

  /** The string at an address, which is then given back to OpenVINO. */
  String owned(MemorySegment address) {
    String text = string(address);
    free(stringFree, address);
    return text;
  }

  static String string(MemorySegment address) {
    return address.equals(MemorySegment.NULL)
        ? ""
        : address.reinterpret(Long.MAX_VALUE).getString(0);
  }

  /** A string for C, or its null pointer. */
  static MemorySegment textOrNull(Arena arena, @Nullable String text) {
    return text == null ? MemorySegment.NULL : text(arena, text);
  }

  /**
   * A string for C.
   *
   * @throws IllegalArgumentException if it holds the character that ends strings there
   */
  static MemorySegment text(Arena arena, String text) {
    int end = text.indexOf('\0');
    if (end >= 0) {
      throw new IllegalArgumentException(
          "'"
              + text.replace('\0', '?')
              + "' has a NUL at "
              + end
              + ", expected none: C would read only what is before it");
    }
    return arena.allocateFrom(text);
  }
}
