package io.pulmo.worker.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.proto.WorkerMessage;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What waits to be told to the leader: a bounded line of messages, and of progress only the newest,
 * at most five a second.
 */
final class Outbox {
  private static final int MOST_WAITING = 64;
  private static final long PROGRESS_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<WorkerMessage> waiting = new ArrayDeque<>();

  @GuardedBy("lock")
  private @Nullable WorkerMessage progress;

  @GuardedBy("lock")
  private long nextProgressNanos;

  Outbox(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.nextProgressNanos = nanoTime.getAsLong();
  }

  /** Takes the place of progress that is not told yet. */
  void progress(WorkerMessage message) {
    lock.lock();
    try {
      boolean wake = progress == null;
      progress = message;
      if (wake) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Puts a message in line, behind the progress that it follows; waits for room. */
  void add(WorkerMessage message) throws InterruptedException {
    lock.lock();
    try {
      while (waiting.size() >= MOST_WAITING) {
        changed.await();
      }
      if (progress != null) {
        waiting.addLast(progress);
        progress = null;
      }
      waiting.addLast(message);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Puts a message in line if there is room. */
  void offer(WorkerMessage message) {
    lock.lock();
    try {
      if (waiting.size() < MOST_WAITING) {
        waiting.addLast(message);
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The next message that is due, or null after waiting so long for one. */
  @Nullable WorkerMessage next(long mostNanos) throws InterruptedException {
    long deadline = nanoTime.getAsLong() + mostNanos;
    lock.lock();
    try {
      while (true) {
        WorkerMessage first = waiting.pollFirst();
        if (first != null) {
          changed.signalAll();
          return first;
        }
        long now = nanoTime.getAsLong();
        if (progress != null && now - nextProgressNanos >= 0) {
          WorkerMessage due = progress;
          progress = null;
          nextProgressNanos = now + PROGRESS_NANOS;
          return due;
        }
        long wait = deadline - now;
        if (wait <= 0) {
          return null;
        }
        if (progress != null) {
          wait = Math.min(wait, nextProgressNanos - now);
        }
        var unused = changed.awaitNanos(wait);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Forgets everything: it was meant for a leader that is gone. */
  void clear() {
    lock.lock();
    try {
      waiting.clear();
      progress = null;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
