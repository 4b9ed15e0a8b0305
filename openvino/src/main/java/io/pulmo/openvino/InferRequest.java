package io.pulmo.openvino;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A place in a compiled model in which one inference at a time runs.
 *
 * <p>Calls exclude each other, {@link #close} included: it waits for the inference in progress.
 * They block in native code and so pin a virtual thread: use platform threads.
 */
public final class InferRequest implements AutoCloseable {
  private final OpenVinoNative openVino;
  private final Handle handle;
  private @Nullable Handle input;
  private boolean running;
  private boolean finished;
  private boolean closed;

  InferRequest(OpenVinoNative openVino, Handle compiledModel, MemorySegment pointer) {
    this.openVino = openVino;
    this.handle = new Handle("InferRequest", pointer, openVino::inferRequestFree, compiledModel);
  }

  /**
   * Sets the tensor that the model's only input is read from, at every inference from now on. The
   * request keeps its memory alive.
   *
   * @throws OpenVinoException if shape or element type are not the input's
   * @throws IllegalStateException if an inference is running or either is closed
   */
  public synchronized void setInput(Tensor tensor) {
    requireIdle();
    MemorySegment pointer = tensor.handle().acquire();
    try {
      handle.run(request -> openVino.setInput(request, pointer));
    } catch (RuntimeException | Error e) {
      tensor.handle().release();
      throw e;
    }
    releaseInput();
    input = tensor.handle();
  }

  /**
   * Runs the model once and returns when it is done.
   *
   * @throws OpenVinoException if it fails
   * @throws IllegalStateException without an input, while an inference is running, or closed
   */
  public synchronized void infer() {
    requireInput();
    finished = false;
    handle.run(openVino::infer);
    finished = true;
  }

  /** Starts the model and returns; {@link #waitFor} says when it is done. Throws as infer does. */
  public synchronized void startAsync() {
    requireInput();
    finished = false;
    handle.run(openVino::startAsync);
    running = true;
  }

  /**
   * Waits for what {@link #startAsync} started.
   *
   * @param timeout at most this long, to the millisecond; zero to look only
   * @return whether it is done
   * @throws OpenVinoException if it failed
   * @throws IllegalStateException if nothing was started, or closed
   */
  public synchronized boolean waitFor(Duration timeout) {
    if (!closed && !running) {
      throw new IllegalStateException(
          "no inference is running in this InferRequest: call startAsync first");
    }
    boolean done;
    try {
      done = handle.use(request -> openVino.waitFor(request, Math.max(0, timeout.toMillis())));
    } catch (OpenVinoException e) {
      running = false;
      throw e;
    }
    running = !done;
    finished = done;
    return done;
  }

  /**
   * The values of the model's only output after the last inference, in row-major order.
   *
   * @throws IllegalStateException if no inference has finished, or closed
   */
  public synchronized float[] output() {
    requireIdle();
    if (!closed && !finished) {
      throw new IllegalStateException(
          "no inference has finished in this InferRequest: call infer first");
    }
    return handle.use(openVino::output);
  }

  private void requireIdle() {
    if (running) {
      throw new IllegalStateException(
          "an inference is running in this InferRequest: call waitFor until it is done");
    }
  }

  private void requireInput() {
    requireIdle();
    if (!closed && input == null) {
      throw new IllegalStateException("this InferRequest has no input: call setInput first");
    }
  }

  private void releaseInput() {
    if (input != null) {
      input.release();
      input = null;
    }
  }

  /** Waits for the inference in progress, then frees the request. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      if (running) {
        handle.run(openVino::await);
      }
    } finally {
      running = false;
      handle.close();
      releaseInput();
    }
  }
}
