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
 * at most twenty times a second. Nobody waits for room: a leader that does not take what it is told
 * is left, and whoever leads next hears all that matters anew.
 */
final class Outbox {
  private static final int MOST_WAITING = 512;
  private static final long PROGRESS_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<WorkerMessage> waiting = new ArrayDeque<>();

  @GuardedBy("lock")
  private @Nullable WorkerMessage progress;

  @GuardedBy("lock")
  private long nextProgressNanos;

  @GuardedBy("lock")
  private boolean open;

  @GuardedBy("lock")
  private boolean overflowed;

  Outbox(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.nextProgressNanos = nanoTime.getAsLong();
  }

  /** There is a leader that is told what comes from now on. */
  void open() {
    lock.lock();
    try {
      open = true;
    } finally {
      lock.unlock();
    }
  }

  /** Forgets everything, and whatever comes until there is a leader again. */
  void close() {
    lock.lock();
    try {
      open = false;
      overflowed = false;
      waiting.clear();
      progress = null;
    } finally {
      lock.unlock();
    }
  }

  /** Whether more was to be told than the leader took. */
  boolean hasOverflowed() {
    lock.lock();
    try {
      return overflowed;
    } finally {
      lock.unlock();
    }
  }

  /** Takes the place of progress that is not told yet. */
  void progress(WorkerMessage message) {
    lock.lock();
    try {
      if (open) {
        boolean wake = progress == null;
        progress = message;
        if (wake) {
          changed.signalAll();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Puts a message in line, behind the progress that it follows. */
  void add(WorkerMessage message) {
    lock.lock();
    try {
      if (!open) {
        return;
      }
      if (progress != null) {
        waiting.addLast(progress);
        progress = null;
      }
      if (waiting.size() < MOST_WAITING) {
        waiting.addLast(message);
      } else {
        overflowed = true;
      }
      changed.signalAll();
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
}
