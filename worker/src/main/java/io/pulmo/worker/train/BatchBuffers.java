package io.pulmo.worker.train;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.model.Finding;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** Arrays for decoded batches, within a limit of memory. Safe for use by several threads. */
final class BatchBuffers {
  /** One is in use while the next is made: whoever reads gets these whatever the limit. */
  static final int FEWEST = 2;

  /** More only make a member forget more when its view changes. */
  static final int MOST = 8;

  private final int cropsSize;
  private final long mostBytes;

  @GuardedBy("this")
  private final Deque<Buffer> free = new ArrayDeque<>();

  @GuardedBy("this")
  private long bytes;

  BatchBuffers(int cropsSize, long mostBytes) {
    this.cropsSize = cropsSize;
    this.mostBytes = mostBytes;
  }

  /** Arrays for some samples. */
  record Buffer(float[] crops, float[] labels) {
    long bytes() {
      return (long) Float.BYTES * (crops.length + labels.length);
    }
  }

  /** One reader's account. */
  final class Account {
    @GuardedBy("BatchBuffers.this")
    private int out;

    @GuardedBy("BatchBuffers.this")
    private boolean closed;

    /** A buffer for so many samples, once there is room; null when the account is closed. */
    @Nullable Buffer take(int samples) throws InterruptedException {
      synchronized (BatchBuffers.this) {
        while (!closed && !mayTake(samples)) {
          BatchBuffers.this.wait();
        }
        if (closed) {
          return null;
        }
        out++;
        return find(samples);
      }
    }

    @GuardedBy("BatchBuffers.this")
    private boolean mayTake(int samples) {
      long more = (long) Float.BYTES * samples * (cropsSize + Finding.COUNT);
      return out < FEWEST || (out < MOST && inUseBytes() + more <= mostBytes);
    }

    void giveBack(Buffer buffer) {
      synchronized (BatchBuffers.this) {
        out--;
        free.addFirst(buffer);
        trim();
        BatchBuffers.this.notifyAll();
      }
    }

    /** Frees whoever waits. What is out may still come back. */
    void close() {
      synchronized (BatchBuffers.this) {
        closed = true;
        BatchBuffers.this.notifyAll();
      }
    }
  }

  Account open() {
    return new Account();
  }

  @GuardedBy("this")
  private long inUseBytes() {
    return bytes - free.stream().mapToLong(Buffer::bytes).sum();
  }

  @GuardedBy("this")
  private Buffer find(int samples) {
    int needed = Math.multiplyExact(samples, cropsSize);
    for (Iterator<Buffer> all = free.iterator(); all.hasNext(); ) {
      Buffer buffer = all.next();
      if (buffer.crops.length >= needed) {
        all.remove();
        return buffer;
      }
    }
    // Too small, all of them: the parts have grown.
    free.forEach(buffer -> bytes -= buffer.bytes());
    free.clear();
    Buffer buffer = new Buffer(new float[needed], new float[samples * Finding.COUNT]);
    bytes += buffer.bytes();
    return buffer;
  }

  /** Lets go what is free beyond the limit. */
  @GuardedBy("this")
  private void trim() {
    while (bytes > mostBytes && free.size() > FEWEST) {
      bytes -= free.removeLast().bytes();
    }
  }

  /** Of all arrays, in use and free. */
  synchronized long bytes() {
    return bytes;
  }
}
