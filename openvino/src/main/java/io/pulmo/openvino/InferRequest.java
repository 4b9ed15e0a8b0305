package io.pulmo.openvino;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * A place in a compiled model in which one inference at a time runs.
 *
 * <p>Give each input a tensor ({@link #setInput(Tensor)}), run ({@link #infer}, {@link #startAsync}
 * with {@link #waitFor}, or {@link #inferAsync}), then read the outputs ({@link #output()}), or
 * have them written to tensors of your own ({@link #setOutput(Tensor)}). Tensors stay set from one
 * inference to the next; the request keeps them alive.
 *
 * <p>Safe for use by several threads. While an inference runs, all but waiting, cancelling and
 * closing is an {@link IllegalStateException}. Calls that wait do so in native code and so pin a
 * virtual thread: use platform threads.
 */
public final class InferRequest implements AutoCloseable {
  private static final Duration LONGEST_WAIT = Duration.ofDays(30);

  /** What the compiled model has. */
  record Ports(List<Port> inputs, List<Port> outputs, boolean counted) {}

  private final OpenVinoNative openVino;
  private final RequestFunctions requests;
  private final Ports ports;
  private final Waiters waiters;
  private final Bindings bindings;
  private final Handle handle;

  // Calls that begin an inference or touch what it reads and writes exclude each other by this
  // object's lock, which is taken before the turn's. Waiting is done without it.
  private final Turn turn = new Turn();

  InferRequest(
      OpenVinoNative openVino,
      Ports ports,
      Waiters waiters,
      Handle compiledModel,
      MemorySegment pointer) {
    this.openVino = openVino;
    this.requests = openVino.requests;
    this.ports = ports;
    this.waiters = waiters;
    Bindings own = new Bindings();
    this.bindings = own;
    RequestFunctions functions = openVino.requests;
    this.handle =
        new Handle(
            "InferRequest",
            pointer,
            request -> {
              functions.free(request);
              own.releaseAll();
            },
            compiledModel);
    handle.watch(this);
  }

  /**
   * Sets the tensor that the model's only input is read from, at every inference from now on.
   *
   * @throws OpenVinoException if shape or element type are not the input's
   * @throws IllegalStateException if there are several inputs, an inference is running or either is
   *     closed
   */
  public void setInput(Tensor tensor) {
    setInput(Port.only(ports.inputs(), "input").index(), tensor);
  }

  /**
   * As {@link #setInput(Tensor)}, for one of several.
   *
   * @throws IndexOutOfBoundsException if there is no such input
   */
  public void setInput(int index, Tensor tensor) {
    bind(true, Port.at(ports.inputs(), "input", index), tensor, false);
  }

  /**
   * As {@link #setInput(Tensor)}, for the one of that name.
   *
   * @param name as {@link Port#name} has it; {@link CompiledModel#input} knows other names
   * @throws IllegalArgumentException if there is no such input
   */
  public void setInput(String name, Tensor tensor) {
    setInput(Port.named(ports.inputs(), "input", name).index(), tensor);
  }

  /**
   * Sets the tensor that the model's only output is written to, at every inference from now on,
   * without a copy. What the inference before wrote cannot be read from the request any more.
   *
   * @throws OpenVinoException if shape or element type are not the output's
   * @throws IllegalArgumentException if its memory is read-only or the output's shape is not fixed
   * @throws IllegalStateException if there are several outputs, an inference is running or either
   *     is closed
   */
  public void setOutput(Tensor tensor) {
    setOutput(Port.only(ports.outputs(), "output").index(), tensor);
  }

  /**
   * As {@link #setOutput(Tensor)}, for one of several.
   *
   * @throws IndexOutOfBoundsException if there is no such output
   */
  public void setOutput(int index, Tensor tensor) {
    Port port = Port.at(ports.outputs(), "output", index);
    tensor.requireWritable();
    port.requireFixed("output");
    bind(false, port, tensor, false);
  }

  /** As {@link #setOutput(Tensor)}, for the one of that name, as {@link Port#name} has it. */
  public void setOutput(String name, Tensor tensor) {
    setOutput(Port.named(ports.outputs(), "output", name).index(), tensor);
  }

  /**
   * The tensor that an input is read from. If none was set, one of the input's type and shape is
   * made and set; it is closed with the request or when another is set.
   *
   * @throws IndexOutOfBoundsException if there is no such input
   * @throws IllegalArgumentException if none was set and the input's shape is not fixed
   * @throws IllegalStateException if an inference is running, or closed
   */
  public Tensor inputTensor(int index) {
    return bound(true, Port.at(ports.inputs(), "input", index));
  }

  /** The tensor that an output is written to, likewise. */
  public Tensor outputTensor(int index) {
    return bound(false, Port.at(ports.outputs(), "output", index));
  }

  private synchronized Tensor bound(boolean input, Port port) {
    turn.requireIdle();
    Tensor there = bindings.at(input, port.index());
    if (there != null) {
      return there;
    }
    port.requireFixed(input ? "input" : "output");
    Tensor made =
        Tensor.allocate(
            port.type(), port.shape().lengths().stream().mapToLong(Long::longValue).toArray());
    try {
      bind(input, port, made, true);
    } catch (RuntimeException | Error e) {
      made.close();
      throw e;
    }
    return made;
  }

  private synchronized void bind(boolean input, Port port, Tensor tensor, boolean own) {
    turn.requireIdle();
    handle.run(
        request ->
            bindings.bind(
                input,
                port.index(),
                tensor,
                own,
                pointer -> {
                  if (input) {
                    requests.setInput(request, port, pointer);
                  } else {
                    requests.setOutput(request, port, pointer);
                  }
                }));
    if (!input) {
      turn.forget();
    }
  }

  /**
   * Runs the model once and returns when it is done. The calling thread computes as well: on a busy
   * machine, in a stream of several threads, {@link #startAsync} and {@link #waitFor} were seen to
   * take half of the time.
   *
   * @throws OpenVinoException if it fails or is cancelled
   * @throws IllegalStateException if an input has no tensor, while an inference is running, or
   *     closed
   */
  public void infer() {
    long mine;
    synchronized (this) {
      requireReady();
      mine = turn.begin();
    }
    boolean done = false;
    try {
      handle.run(requests::infer);
      done = true;
    } finally {
      turn.end(mine, done);
    }
  }

  /** Starts the model and returns; {@link #waitFor} says when it is done. Throws as infer does. */
  public void startAsync() {
    start();
  }

  private synchronized long start() {
    requireReady();
    long mine = turn.begin();
    try {
      handle.run(requests::startAsync);
    } catch (RuntimeException | Error e) {
      turn.end(mine, false);
      throw e;
    }
    turn.goesOn(mine);
    return mine;
  }

  /**
   * Waits for what {@link #startAsync} or {@link #inferAsync} started.
   *
   * @param timeout at most this long, to the millisecond; zero to look only
   * @return whether it is done
   * @throws OpenVinoException if it failed or was cancelled
   * @throws IllegalStateException if nothing was started, or closed
   */
  public boolean waitFor(Duration timeout) {
    long mine = turn.started();
    long timeoutMillis = millis(timeout);
    boolean done;
    try {
      done = handle.use(request -> requests.waitFor(request, timeoutMillis));
    } catch (OpenVinoException e) {
      turn.end(mine, false);
      throw e;
    }
    if (done) {
      turn.end(mine, true);
    }
    return done;
  }

  /**
   * Starts the model and returns at once; the future is completed with this request when the
   * outputs can be read, or with the {@link OpenVinoException} if it failed.
   *
   * <p>One of a few platform threads of the compiled model waits for it and runs what depends on
   * the future: that must not block for long, or should be attached with the {@code ...Async}
   * methods. Cancelling the future cancels the inference; the request can be used again once the
   * device has let go of it, which {@link #close} waits for.
   *
   * @throws IllegalStateException as {@link #infer} does
   */
  public synchronized CompletableFuture<InferRequest> inferAsync() {
    MemorySegment held = handle.acquire();
    try {
      long mine = start();
      Pending pending = new Pending(() -> cancel(mine));
      waiters.execute(() -> finish(mine, pending, held));
      return pending;
    } catch (RuntimeException | Error e) {
      handle.release();
      throw e;
    }
  }

  private synchronized void cancel(long inference) {
    if (turn.isRunning(inference)) {
      handle.run(requests::cancel);
    }
  }

  /** On a waiter's thread: the native request lives until it is released here. */
  private void finish(long inference, Pending pending, MemorySegment held) {
    Throwable failure = null;
    try {
      requests.await(held);
    } catch (RuntimeException | Error e) {
      failure = e;
    }
    turn.end(inference, failure == null);
    handle.release();
    if (failure == null) {
      pending.complete(this);
    } else {
      pending.completeExceptionally(failure);
    }
  }

  /**
   * Ends the inference in progress early: whoever waits for it gets an {@link OpenVinoException}
   * whose {@link OpenVinoException#cancelled} is true, unless it was done first. Without one,
   * nothing happens.
   *
   * @throws IllegalStateException if closed
   */
  public synchronized void cancel() {
    turn.requireOpen();
    if (turn.isRunning()) {
      handle.run(requests::cancel);
    }
  }

  /**
   * The values of the model's only output after the last inference, in row-major order; a copy.
   *
   * @throws IllegalStateException if there are several outputs, it does not hold F32, no inference
   *     has finished, or closed
   */
  public float[] output() {
    return output(Port.only(ports.outputs(), "output").index());
  }

  /**
   * As {@link #output()}, for one of several.
   *
   * @throws IndexOutOfBoundsException if there is no such output
   */
  public float[] output(int index) {
    Port port = Port.at(ports.outputs(), "output", index);
    if (port.type() != ElementType.F32) {
      throw new IllegalStateException(
          port.describe("output") + " holds " + port.type() + ", not F32: use copyOutput");
    }
    return read(port, tensor -> openVino.tensors.data(tensor).toArray(ValueLayout.JAVA_FLOAT));
  }

  /** As {@link #output()}, for the one of that name, as {@link Port#name} has it. */
  public float[] output(String name) {
    return output(Port.named(ports.outputs(), "output", name).index());
  }

  /**
   * A new tensor with what the last inference wrote to an output, whatever its type, in the shape
   * that it came out in. It is the caller's to close.
   *
   * @throws IndexOutOfBoundsException if there is no such output
   * @throws IllegalStateException if no inference has finished, or closed
   */
  public Tensor copyOutput(int index) {
    Port port = Port.at(ports.outputs(), "output", index);
    return read(
        port,
        tensor -> {
          Tensor copy = Tensor.allocate(port.type(), openVino.tensors.shape(tensor));
          copy.segment().copyFrom(openVino.tensors.data(tensor));
          return copy;
        });
  }

  private synchronized <T> T read(Port port, Function<MemorySegment, T> reader) {
    turn.requireDone();
    return handle.use(
        request -> {
          MemorySegment tensor = requests.output(request, port);
          try {
            return reader.apply(tensor);
          } finally {
            openVino.tensors.free(tensor);
          }
        });
  }

  /**
   * What each node of the network cost in the last inference, in the order in which they run.
   *
   * @throws IllegalStateException if the model was not compiled with {@code PERF_COUNT} = {@code
   *     YES}, no inference has finished, or closed
   * @throws OpenVinoException if the device does not count
   */
  public synchronized List<NodeProfile> profiling() {
    turn.requireDone();
    if (!ports.counted()) {
      throw new IllegalStateException(
          "nothing was counted, expected PERF_COUNT = YES among the properties at compiling");
    }
    return handle.use(requests::profiling);
  }

  private void requireReady() {
    turn.requireIdle();
    bindings.requireReady(ports.inputs());
  }

  /** For C++, which adds it to the time of day: a month is as long as any. */
  private static long millis(Duration timeout) {
    if (timeout.isNegative()) {
      return 0;
    }
    return timeout.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT.toMillis() : timeout.toMillis();
  }

  /** Waits for the inference in progress, then frees the request. */
  @Override
  public void close() {
    synchronized (this) {
      if (!turn.close()) {
        return;
      }
    }
    try {
      if (turn.awaitCall()) {
        handle.run(requests::await);
      }
    } catch (OpenVinoException e) {
      // How it ended is for those who waited for it; this only waits until it has.
    } finally {
      handle.close();
    }
  }
}
