package io.pulmo.coordinator.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import io.pulmo.node.HostPort;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One blob on its way to all the other coordinators, until it is on the disk of one of them, or
 * none is up.
 */
final class BlobSpread {
  private static final Logger log = LoggerFactory.getLogger(BlobSpread.class);
  private static final long LOOK_MILLIS = 100;
  private static final long RETRY_NANOS = Duration.ofMillis(300).toNanos();
  private static final long SLOWEST_BYTES_PER_MILLI = 8_192;

  /** Gives one coordinator a copy, in bounded time. */
  @FunctionalInterface
  interface Copier {
    Status copy(HostPort other, String sha256, long bytes);
  }

  /**
   * How it stands with one coordinator.
   *
   * @param running whether an attempt is under way
   * @param last how the newest one that has ended did so
   * @param endedNanos when
   */
  private record Attempt(boolean running, @Nullable Status last, long endedNanos) {
    boolean holds() {
      return last != null && last.isOk();
    }

    boolean isFull() {
      return last != null && last.getCode() == Status.Code.RESOURCE_EXHAUSTED;
    }

    /** Whether another attempt is due, and may end otherwise. */
    boolean isDue(long nowNanos) {
      return !running
          && !holds()
          && !isFull()
          && (last == null || nowNanos - endedNanos > RETRY_NANOS);
    }

    String words() {
      return running || last == null ? "it does not answer" : BlobCopies.words(last);
    }
  }

  private static final Attempt NONE = new Attempt(false, null, 0);

  private final String sha256;
  private final long bytes;
  private final Supplier<List<HostPort>> others;
  private final Duration patience;
  private final Copier copier;

  @GuardedBy("this")
  private final Map<HostPort, Attempt> attempts = new HashMap<>();

  /**
   * Not yet under way.
   *
   * @param others who is up, asked again and again
   * @param patience how long it is tried, by a small blob, while others are up and none takes it
   */
  BlobSpread(
      String sha256,
      long bytes,
      Supplier<List<HostPort>> others,
      Duration patience,
      Copier copier) {
    this.sha256 = sha256;
    this.bytes = bytes;
    this.others = others;
    this.patience = patience;
    this.copier = copier;
  }

  /** Waits for one copy, and a little for the others; what is still under way then goes on. */
  Status run() {
    long begun = System.nanoTime();
    long most = patience.plusMillis(bytes / SLOWEST_BYTES_PER_MILLI).toNanos();
    try {
      while (true) {
        List<HostPort> up = others.get();
        synchronized (this) {
          start(up);
          Status end = verdict(up, Map.copyOf(attempts), System.nanoTime() - begun > most);
          if (end != null) {
            return end;
          }
          wait(LOOK_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Status.CANCELLED.withCause(e);
    }
  }

  @GuardedBy("this")
  private void start(List<HostPort> up) {
    for (HostPort other : up) {
      Attempt last = attempts.getOrDefault(other, NONE);
      if (last.isDue(System.nanoTime())) {
        attempts.put(other, new Attempt(true, last.last(), last.endedNanos()));
        Thread.ofVirtual().name("pulmo-copy").start(() -> attempt(other));
      }
    }
  }

  private void attempt(HostPort other) {
    Status status = Status.INTERNAL;
    try {
      status = copier.copy(other, sha256, bytes);
    } finally {
      synchronized (this) {
        attempts.put(other, new Attempt(false, status, System.nanoTime()));
        notifyAll();
      }
    }
  }

  /** How it ends, or null if it goes on. */
  private @Nullable Status verdict(
      List<HostPort> up, Map<HostPort, Attempt> at, boolean patienceIsOver) {
    List<Attempt> holders = new ArrayList<>();
    List<Attempt> lacking = new ArrayList<>();
    List<String> words = new ArrayList<>();
    for (HostPort other : up) {
      Attempt attempt = at.getOrDefault(other, NONE);
      if (attempt.holds()) {
        holders.add(attempt);
      } else {
        lacking.add(attempt);
        words.add(other + " (" + attempt.words() + ")");
      }
    }
    if (lacking.isEmpty()) {
      return Status.OK;
    }
    if (!holders.isEmpty()) {
      long now = System.nanoTime();
      boolean waitedLong =
          holders.stream()
              .anyMatch(holder -> now - holder.endedNanos() > BlobCopies.GRACE.toNanos());
      if (waitedLong || lacking.stream().noneMatch(Attempt::running)) {
        log.warn(
            "blob {} is stored without a copy at {}: it will fetch one",
            sha256,
            String.join(", ", words));
        return Status.OK;
      }
      return null;
    }
    boolean full = lacking.stream().allMatch(Attempt::isFull);
    return full || patienceIsOver
        ? (full ? Status.RESOURCE_EXHAUSTED : Status.ABORTED)
            .withDescription(
                "no other coordinator takes a copy of blob "
                    + sha256
                    + ", so that it would go with this one: "
                    + String.join(", ", words)
                    + "; mend or stop "
                    + (words.size() == 1 ? "that one" : "those"))
        : null;
  }
}
