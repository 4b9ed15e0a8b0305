package io.pulmo.worker.rpc;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.io.IOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One stream of pieces to a peer, written whenever the peer has room, so that no thread waits for
 * it.
 */
final class Transfer<T> {
  /** The pieces of what is sent; one thread at a time asks for them. */
  interface Pieces<T> {
    /** The next piece, or null after the last. */
    @Nullable T next() throws IOException;

    /** Gives back what they were read from. */
    default void close() {}
  }

  private final Pieces<T> pieces;
  private final ServerCallStreamObserver<T> call;
  private final Consumer<Transfer<T>> onEnd;
  private volatile long movedNanos;
  private boolean ended;

  /**
   * A transfer that is still to be started.
   *
   * @param onEnd takes it once, however it ends
   */
  Transfer(Pieces<T> pieces, ServerCallStreamObserver<T> call, Consumer<Transfer<T>> onEnd) {
    this.pieces = pieces;
    this.call = call;
    this.onEnd = onEnd;
    this.movedNanos = System.nanoTime();
  }

  /** Since when nothing was taken, by {@link System#nanoTime}. */
  long movedNanos() {
    return movedNanos;
  }

  void start() {
    call.setOnCancelHandler(this::end);
    call.setOnReadyHandler(this::write);
    write();
  }

  private synchronized void write() {
    if (ended) {
      return;
    }
    try {
      while (call.isReady()) {
        T piece = pieces.next();
        if (piece == null) {
          end();
          call.onCompleted();
          return;
        }
        call.onNext(piece);
        movedNanos = System.nanoTime();
      }
    } catch (IOException e) {
      fail(Status.DATA_LOSS.withDescription(String.valueOf(e.getMessage())).withCause(e));
    }
  }

  synchronized void fail(Status status) {
    if (!ended) {
      end();
      call.onError(status.asRuntimeException());
    }
  }

  private synchronized void end() {
    if (!ended) {
      ended = true;
      pieces.close();
      onEnd.accept(this);
    }
  }
}
