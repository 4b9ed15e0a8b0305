package io.pulmo.openvino;

/**
 * Whose turn it is in a request: the caller's, or the inference's.
 *
 * <pre>
 * EMPTY or DONE → INFERRING              a call that runs or starts an inference begins
 * INFERRING → STARTED                    the inference goes on after the call that started it
 * INFERRING or STARTED → DONE or EMPTY   it ends, well or not
 * DONE → EMPTY                           its outputs are set elsewhere
 * </pre>
 */
final class Turn {
  private enum Progress {
    /** Nothing has run, or what ran failed. */
    EMPTY,
    /** A thread is in the call that runs or starts it. */
    INFERRING,
    /** It was started, and nobody has seen its end yet. */
    STARTED,
    /** The outputs hold an inference's results. */
    DONE
  }

  // All guarded by this.
  private Progress progress = Progress.EMPTY;
  private long inferences;
  private boolean closed;

  /** Begins a call that runs or starts an inference; the number that it is ended with. */
  synchronized long begin() {
    requireIdle();
    progress = Progress.INFERRING;
    return ++inferences;
  }

  /**
   * The call has started the inference. Nobody may wait for it before: the runtime would take the
   * wait for one for the inference before it, which is over.
   */
  synchronized void goesOn(long inference) {
    if (inference == inferences && progress == Progress.INFERRING) {
      progress = Progress.STARTED;
      notifyAll();
    }
  }

  /** Ends an inference; if several have seen it end, the first. */
  synchronized void end(long inference, boolean done) {
    if (inference == inferences && isRunning()) {
      progress = done ? Progress.DONE : Progress.EMPTY;
      notifyAll();
    }
  }

  /** What the last inference wrote is not where the outputs are any more. */
  synchronized void forget() {
    progress = Progress.EMPTY;
  }

  /**
   * The inference to wait for.
   *
   * @throws IllegalStateException if none was started
   */
  synchronized long started() {
    requireOpen();
    if (progress != Progress.STARTED) {
      throw new IllegalStateException(
          "no inference is running in this InferRequest: call startAsync first");
    }
    return inferences;
  }

  synchronized boolean isRunning() {
    return progress == Progress.INFERRING || progress == Progress.STARTED;
  }

  /** Whether an inference that was started is still running. */
  synchronized boolean isRunning(long inference) {
    return !closed && inference == inferences && isRunning();
  }

  synchronized void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this InferRequest is closed");
    }
  }

  synchronized void requireIdle() {
    requireOpen();
    if (isRunning()) {
      throw new IllegalStateException(
          "an inference is running in this InferRequest: call waitFor until it is done");
    }
  }

  synchronized void requireDone() {
    requireIdle();
    if (progress != Progress.DONE) {
      throw new IllegalStateException(
          "no inference has finished in this InferRequest: call infer first");
    }
  }

  /** Closes; false if it was closed before. */
  synchronized boolean close() {
    boolean first = !closed;
    closed = true;
    return first;
  }

  /**
   * Waits for the call in progress, if there is one, however long it takes.
   *
   * @return whether an inference that was started is still running
   */
  synchronized boolean awaitCall() {
    boolean interrupted = false;
    while (progress == Progress.INFERRING) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return progress == Progress.STARTED;
  }
}
