package io.pulmo.serving.backend;

import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/**
 * A fixed number of things that studies borrow, a study several at a time.
 *
 * <p>Studies take turns: all that one needs it borrows before the next one begins. So whoever waits
 * waits for studies that need nothing more and end by themselves, and nobody waits in a circle.
 */
final class Places<T> {
  private final int count;
  private final Queue<T> free = new ConcurrentLinkedQueue<>();
  private final Semaphore permits;

  /** Of {@code count} places, each of which is to be added. */
  Places(int count) {
    this.count = count;
    permits = new Semaphore(count, true);
  }

  /** Adds one when all is set up. */
  void add(T place) {
    free.add(place);
  }

  /**
   * A free place, waited for if need be: what other studies hold was handed in before, and so ends
   * before what the caller holds.
   *
   * @param held how many the caller has
   * @return empty if the caller has all there are
   * @throws IllegalStateException if they were taken out
   */
  Optional<T> take(int held) {
    if (held == count) {
      return Optional.empty();
    }
    // Not to be interrupted: a server that stops still answers what it has begun.
    permits.acquireUninterruptibly();
    T place = free.poll();
    if (place == null) {
      permits.release();
      throw new IllegalStateException("this backend is closed: open another");
    }
    return Optional.of(place);
  }

  /** Gives one back. */
  void giveBack(T place) {
    free.add(place);
    permits.release();
  }

  /** Waits for all and takes them out for good; a turn like a study's. */
  void takeOut(Consumer<T> each) {
    permits.acquireUninterruptibly(count);
    for (T place = free.poll(); place != null; place = free.poll()) {
      each.accept(place);
    }
    permits.release(count);
  }

  /** For tests: whether somebody waits. */
  boolean isAwaited() {
    return permits.hasQueuedThreads();
  }
}
