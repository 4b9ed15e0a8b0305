package io.pulmo.worker;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The bundle of a finished training in the making, on a thread of its own. It stays on this
 * worker's disk until it is given up, so that another leader can have it too.
 */
final class BundleExport {
  /** What is to be done, on one thread at a time. */
  interface Work {
    /** Makes the bundle on this worker's disk. */
    void make() throws Exception;

    /**
     * Stores it with the leader.
     *
     * @return its manifest's SHA-256
     */
    String store() throws Exception;

    /** Removes it from this worker's disk. */
    void discard();
  }

  private final String digest;
  private final Work work;
  private final Runnable onStored;
  private final Consumer<Throwable> onFailure;
  private final Thread thread;

  @GuardedBy("this")
  private boolean wanted = true;

  @GuardedBy("this")
  private @Nullable String manifest;

  private volatile boolean cancelled;

  /**
   * An export that is still to be started.
   *
   * @param digest of the state
   */
  BundleExport(String digest, Work work, Runnable onStored, Consumer<Throwable> onFailure) {
    this.digest = digest;
    this.work = work;
    this.onStored = onStored;
    this.onFailure = onFailure;
    this.thread = Thread.ofPlatform().daemon().name("export").unstarted(this::carryOut);
  }

  void start() {
    thread.start();
  }

  boolean isOf(String stateDigest) {
    return digest.equals(stateDigest);
  }

  /** Its manifest's SHA-256, once it is stored. */
  synchronized Optional<String> manifest() {
    return Optional.ofNullable(manifest);
  }

  /** Stores it anew: the leader may be another one, which lacks it. */
  synchronized void storeAgain() {
    wanted = true;
    manifest = null;
    notifyAll();
  }

  void cancel() {
    cancelled = true;
    thread.interrupt();
  }

  private synchronized void awaitWish() throws InterruptedException {
    while (!wanted) {
      wait();
    }
    wanted = false;
  }

  private synchronized boolean settle(String stored) {
    if (!wanted) {
      manifest = stored;
    }
    return !wanted;
  }

  // Whatever it is, the leader must hear of it: nobody else waits for this thread.
  @SuppressWarnings("CatchingUnchecked")
  private void carryOut() {
    try {
      work.make();
      while (true) {
        awaitWish();
        if (settle(work.store())) {
          onStored.run();
        }
      }
    } catch (Exception | Error e) {
      if (!cancelled) {
        onFailure.accept(e);
      }
    } finally {
      work.discard();
    }
  }
}
