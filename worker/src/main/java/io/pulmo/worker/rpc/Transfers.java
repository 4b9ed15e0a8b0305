package io.pulmo.worker.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The transfers of one kind that are under way, at most so many: one more takes the place of one
 * that has not moved for long, or is refused.
 */
final class Transfers implements AutoCloseable {
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final int most;
  private final long idleNanos;
  private final int readyBytes;

  @GuardedBy("this")
  private final List<Transfer<?>> open = new ArrayList<>();

  @GuardedBy("this")
  private boolean closed;

  /**
   * None yet.
   *
   * @param readyBytes that may wait to be sent in one of them
   */
  Transfers(int most, int readyBytes) {
    this(most, readyBytes, IDLE_NANOS);
  }

  Transfers(int most, int readyBytes, long idleNanos) {
    this.most = most;
    this.readyBytes = readyBytes;
    this.idleNanos = idleNanos;
  }

  /** Starts one; called by the thread that gRPC calls the service with. */
  <T> void send(Transfer.Pieces<T> pieces, StreamObserver<T> responses) {
    ServerCallStreamObserver<T> call = (ServerCallStreamObserver<T>) responses;
    call.setOnReadyThreshold(readyBytes);
    Transfer<T> transfer = new Transfer<>(pieces, call, this::forget);
    Transfer<?> idle = null;
    boolean full;
    synchronized (this) {
      if (open.size() >= most) {
        idle = longestIdle();
      }
      full = closed || (open.size() >= most && idle == null);
      if (!full) {
        open.add(transfer);
      }
    }
    if (idle != null) {
      idle.fail(Status.ABORTED.withDescription("nothing was taken for a long time"));
    }
    if (full) {
      pieces.close();
      call.onError(
          Status.RESOURCE_EXHAUSTED
              .withDescription(most + " transfers are under way: try again")
              .asRuntimeException());
      return;
    }
    transfer.start();
  }

  @GuardedBy("this")
  private @Nullable Transfer<?> longestIdle() {
    long now = System.nanoTime();
    Transfer<?> longest = null;
    for (Transfer<?> one : open) {
      if (now - one.movedNanos() > idleNanos
          && (longest == null || one.movedNanos() - longest.movedNanos() < 0)) {
        longest = one;
      }
    }
    return longest;
  }

  private synchronized void forget(Transfer<?> transfer) {
    open.remove(transfer);
  }

  /** Cuts off all of them. */
  @Override
  public void close() {
    List<Transfer<?>> left;
    synchronized (this) {
      closed = true;
      left = List.copyOf(open);
    }
    left.forEach(one -> one.fail(Status.UNAVAILABLE.withDescription("the worker is closing")));
  }
}
