package io.pulmo.openvino;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;

/** A model ready to run on its device. Safe for use by several threads. */
public final class CompiledModel implements AutoCloseable {
  /** How OpenVINO's plugins write that something is so. */
  private static final Set<String> TRUE = Set.of("YES", "true", "TRUE", "1");

  private final OpenVinoNative openVino;
  private final Handle handle;
  private final List<Port> inputs;
  private final List<Port> outputs;
  private final Waiters waiters;
  private final boolean counted;

  CompiledModel(OpenVinoNative openVino, MemorySegment pointer, Handle... needs) {
    this.openVino = openVino;
    Waiters ownWaiters = new Waiters();
    waiters = ownWaiters;
    Handle own =
        new Handle(
            "CompiledModel",
            pointer,
            compiled -> {
              openVino.compiled.free(compiled);
              ownWaiters.end();
            },
            needs);
    try {
      inputs = own.use(openVino.compiled::inputs);
      outputs = own.use(openVino.compiled::outputs);
      counted = own.use(c -> counted(openVino, c));
      ownWaiters.limit(Math.max(1, own.use(c -> optimalRequests(openVino, c))));
    } catch (RuntimeException | Error e) {
      own.close();
      throw e;
    }
    handle = own;
    handle.watch(this);
  }

  /** The inputs, in order. */
  public List<Port> inputs() {
    return handle.use(compiled -> inputs);
  }

  /** The outputs, in order. */
  public List<Port> outputs() {
    return handle.use(compiled -> outputs);
  }

  /**
   * The input that goes by a name; one may have several.
   *
   * @throws OpenVinoException if none does
   */
  public Port input(String name) {
    return handle.use(compiled -> openVino.compiled.input(compiled, inputs, name));
  }

  /** The output that goes by a name, likewise. */
  public Port output(String name) {
    return handle.use(compiled -> openVino.compiled.output(compiled, outputs, name));
  }

  /**
   * The shape of the only input, fixed before compiling.
   *
   * @throws IllegalStateException if there are several, or its shape is not fixed
   */
  public List<Long> inputShape() {
    return Port.only(inputs(), "input").shape().lengths();
  }

  /** The shape of the only output, likewise. */
  public List<Long> outputShape() {
    return Port.only(outputs(), "output").shape().lengths();
  }

  /**
   * What the device decided, such as {@code OPTIMAL_NUMBER_OF_INFER_REQUESTS} or {@code
   * INFERENCE_PRECISION_HINT}.
   *
   * @throws OpenVinoException if it has no such property
   */
  public String property(String key) {
    return handle.use(compiled -> openVino.compiled.property(compiled, key));
  }

  /**
   * Changes how the model runs. Most devices fix everything when they compile: the processor's
   * takes nothing, {@code AUTO} takes {@code MODEL_PRIORITY}.
   *
   * @throws OpenVinoException if there is no such property, or it cannot be changed any more
   */
  public void setProperty(String key, String value) {
    handle.run(compiled -> openVino.compiled.setProperty(compiled, key, value));
  }

  /** How many requests in flight keep the device busy. */
  public int optimalRequests() {
    return handle.use(compiled -> optimalRequests(openVino, compiled));
  }

  private static int optimalRequests(OpenVinoNative openVino, MemorySegment compiled) {
    return Integer.parseInt(
        openVino.compiled.property(compiled, "OPTIMAL_NUMBER_OF_INFER_REQUESTS"));
  }

  /** Whether inferences are profiled; a device that does not say so may do so. */
  private static boolean counted(OpenVinoNative openVino, MemorySegment compiled) {
    try {
      return TRUE.contains(openVino.compiled.property(compiled, "PERF_COUNT"));
    } catch (OpenVinoException e) {
      return true;
    }
  }

  /** Whether it came out of the {@code CACHE_DIR} rather than from compiling. */
  public boolean loadedFromCache() {
    return TRUE.contains(property("LOADED_FROM_CACHE"));
  }

  /**
   * Writes the compiled model to a file, which then holds all of it or stays as it was; {@link
   * Core#importModel(Path, String)} takes it back, in the same release of OpenVINO on the same kind
   * of device.
   *
   * @throws UncheckedIOException if the file cannot be written
   * @throws OpenVinoException if the device cannot export
   */
  public void exportTo(Path file) {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null) {
      throw new IllegalArgumentException(file + " is a root folder, expected a file's path");
    }
    try {
      Path unfinished = Files.createTempFile(folder, target.getFileName() + ".", ".part");
      try {
        handle.run(compiled -> openVino.compiled.export(compiled, unfinished.toString()));
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(unfinished);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("exporting to " + file + ": " + e, e);
    }
  }

  /** A place in which one inference at a time runs; several of them run side by side. */
  public InferRequest createInferRequest() {
    return new InferRequest(
        openVino,
        new InferRequest.Ports(inputs, outputs, counted),
        waiters,
        handle,
        handle.use(openVino.compiled::createRequest));
  }

  /** Frees the model once all of its requests are closed as well. */
  @Override
  public void close() {
    handle.close();
  }
}
