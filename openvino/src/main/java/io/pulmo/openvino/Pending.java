package io.pulmo.openvino;

import java.util.concurrent.CompletableFuture;

/** The end of an inference that is running; cancelling it cancels the inference. */
final class Pending extends CompletableFuture<InferRequest> {
  private final Runnable cancelInference;

  Pending(Runnable cancelInference) {
    this.cancelInference = cancelInference;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    if (cancelled) {
      cancelInference.run();
    }
    return cancelled;
  }

  /** What depends on this one has no inference of its own to cancel. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }
}
