package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/** The C functions of infer requests. */
final class RequestFunctions {
  private static final int RESULT_NOT_READY = -9;
  private static final long NANOS_PER_MICRO = 1_000;

  /** {@code ov_profiling_info_t}: status, micros in all, micros of processor, three names. */
  private static final MemoryLayout PROFILE =
      MemoryLayout.structLayout(
          JAVA_INT,
          MemoryLayout.paddingLayout(JAVA_INT.byteSize()),
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS);

  private final NativeLibrary c;
  private final MethodHandle setInput;
  private final MethodHandle setOutput;
  private final MethodHandle getOutput;
  private final MethodHandle infer;
  private final MethodHandle startAsync;
  private final MethodHandle await;
  private final MethodHandle waitFor;
  private final MethodHandle cancel;
  private final MethodHandle profiling;
  private final MethodHandle profilingFree;
  private final MethodHandle free;

  RequestFunctions(NativeLibrary c) {
    this.c = c;
    setInput = c.status("ov_infer_request_set_input_tensor_by_index", ADDRESS, JAVA_LONG, ADDRESS);
    setOutput =
        c.status("ov_infer_request_set_output_tensor_by_index", ADDRESS, JAVA_LONG, ADDRESS);
    getOutput =
        c.status("ov_infer_request_get_output_tensor_by_index", ADDRESS, JAVA_LONG, ADDRESS);
    infer = c.status("ov_infer_request_infer", ADDRESS);
    startAsync = c.status("ov_infer_request_start_async", ADDRESS);
    await = c.status("ov_infer_request_wait", ADDRESS);
    waitFor = c.status("ov_infer_request_wait_for", ADDRESS, JAVA_LONG);
    cancel = c.status("ov_infer_request_cancel", ADDRESS);
    profiling = c.status("ov_infer_request_get_profiling_info", ADDRESS, ADDRESS);
    profilingFree = c.nothing("ov_profiling_info_list_free", ADDRESS);
    free = c.nothing("ov_infer_request_free", ADDRESS);
  }

  void setInput(MemorySegment request, Port port, MemorySegment tensor) {
    long index = port.index();
    c.check(
        "setting " + port.describe("input"),
        () -> (int) setInput.invokeExact(request, index, tensor));
  }

  void setOutput(MemorySegment request, Port port, MemorySegment tensor) {
    long index = port.index();
    c.check(
        "setting " + port.describe("output"),
        () -> (int) setOutput.invokeExact(request, index, tensor));
  }

  /** The tensor of an output, for the caller to free. */
  MemorySegment output(MemorySegment request, Port port) {
    long index = port.index();
    return c.made(
        "asking for " + port.describe("output"),
        (arena, out) -> (int) getOutput.invokeExact(request, index, out));
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

  void cancel(MemorySegment request) {
    c.check("cancelling inference", () -> (int) cancel.invokeExact(request));
  }

  List<NodeProfile> profiling(MemorySegment request) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment list = arena.allocate(OpenVinoNative.TWO_WORDS);
      c.check(
          "reading the profile of an inference", () -> (int) profiling.invokeExact(request, list));
      try {
        long count = list.get(JAVA_LONG, ADDRESS.byteSize());
        MemorySegment all = list.get(ADDRESS, 0).reinterpret(count * PROFILE.byteSize());
        List<NodeProfile> profiles = new ArrayList<>();
        for (long i = 0; i < count; i++) {
          profiles.add(profile(all.asSlice(i * PROFILE.byteSize(), PROFILE)));
        }
        return List.copyOf(profiles);
      } finally {
        NativeLibrary.free(profilingFree, list);
      }
    }
  }

  private static NodeProfile profile(MemorySegment one) {
    return new NodeProfile(
        NativeLibrary.string(one.getAtIndex(ADDRESS, 3)),
        NativeLibrary.string(one.getAtIndex(ADDRESS, 5)),
        NativeLibrary.string(one.getAtIndex(ADDRESS, 4)),
        NodeProfile.Status.values()[one.get(JAVA_INT, 0)],
        one.getAtIndex(JAVA_LONG, 1) * NANOS_PER_MICRO,
        one.getAtIndex(JAVA_LONG, 2) * NANOS_PER_MICRO);
  }

  void free(MemorySegment request) {
    NativeLibrary.free(free, request);
  }
}
