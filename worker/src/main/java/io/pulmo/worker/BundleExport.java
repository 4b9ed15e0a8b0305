package io.pulmo.worker;

import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The bundle of a finished training in the making, on a thread of its own. */
final class BundleExport {
  private final String digest;
  private final Callable<String> work;
  private final Consumer<String> onDone;
  private final Consumer<Throwable> onFailure;
  private final Thread thread;
  private volatile @Nullable String manifest;
  private volatile boolean cancelled;

  /**
   * An export that is still to be started.
   *
   * @param digest of the state
   * @param work makes and stores the bundle and returns its manifest's SHA-256
   */
  BundleExport(
      String digest,
      Callable<String> work,
      Consumer<String> onDone,
      Consumer<Throwable> onFailure) {
    this.digest = digest;
    this.work = work;
    this.onDone = onDone;
    this.onFailure = onFailure;
    this.thread = Thread.ofPlatform().daemon().name("export").unstarted(this::make);
  }

  void start() {
    thread.start();
  }

  boolean isOf(String stateDigest) {
    return digest.equals(stateDigest);
  }

  /** Once it is stored. */
  Optional<String> manifest() {
    return Optional.ofNullable(manifest);
  }

  void cancel() {
    cancelled = true;
    thread.interrupt();
  }

  // Whatever it is, the leader must hear of it: nobody else waits for this thread.
  @SuppressWarnings("CatchingUnchecked")
  private void make() {
    try {
      String stored = work.call();
      manifest = stored;
      if (!cancelled) {
        onDone.accept(stored);
      }
    } catch (Exception | Error e) {
      if (!cancelled) {
        onFailure.accept(e);
      }
    }
  }
}
