package io.pulmo.coordinator.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.NoRoomException;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.PutBlobResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A blob on its way in. */
final class Upload implements StreamObserver<PutBlobRequest>, Transfer {
  private static final Logger log = LoggerFactory.getLogger(Upload.class);

  // Longer than ZooKeeper takes to notice that another coordinator is gone.
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final BlobStore store;
  private final BlobCopies copies;
  private final Supplier<Optional<StatusRuntimeException>> notLeader;
  private final StreamObserver<PutBlobResponse> answer;
  private final LongSupplier nanoTime;
  private final Runnable whenOver;

  @GuardedBy("this")
  private BlobStore.@Nullable Incoming incoming;

  @GuardedBy("this")
  private boolean isCopy;

  // On this coordinator's disk; what is left is to see it on another's.
  @GuardedBy("this")
  private boolean stored;

  @GuardedBy("this")
  private long movedNanos;

  @GuardedBy("this")
  private boolean over;

  /**
   * Waits for the first message.
   *
   * @param notLeader why only a copy is taken here, if only a copy is
   */
  Upload(
      BlobStore store,
      BlobCopies copies,
      Supplier<Optional<StatusRuntimeException>> notLeader,
      StreamObserver<PutBlobResponse> answer,
      LongSupplier nanoTime,
      Runnable whenOver) {
    this.store = store;
    this.copies = copies;
    this.notLeader = notLeader;
    this.answer = answer;
    this.nanoTime = nanoTime;
    this.whenOver = whenOver;
    this.movedNanos = nanoTime.getAsLong();
  }

  @Override
  public synchronized void onNext(PutBlobRequest request) {
    if (over || stored) {
      return;
    }
    movedNanos = nanoTime.getAsLong();
    try {
      BlobStore.Incoming to = incoming;
      if (to == null) {
        isCopy = request.getCopy();
        if (!isCopy) {
          Optional<StatusRuntimeException> refusal = notLeader.get();
          if (refusal.isPresent()) {
            throw refusal.get();
          }
        }
        String sha256 = Wire.blobName("sha256", request.getSha256());
        long bytes = request.getTotalBytes();
        if (bytes < 0 || bytes > BlobStore.LARGEST_BYTES) {
          throw Wire.invalid(
              "total_bytes is "
                  + Long.toUnsignedString(bytes)
                  + ": expected at most "
                  + BlobStore.LARGEST_BYTES);
        }
        if (store.touch(sha256)) {
          stored(sha256);
          return;
        }
        to = store.receive(sha256, bytes);
        incoming = to;
      }
      for (ByteBuffer data : request.getData().asReadOnlyByteBufferList()) {
        to.write(data);
      }
    } catch (StatusRuntimeException e) {
      fail(e);
    } catch (IllegalArgumentException e) {
      fail(Wire.invalid(String.valueOf(e.getMessage())));
    } catch (IOException e) {
      fail(unstored(e));
    }
  }

  @Override
  public synchronized void onError(Throwable t) {
    finish();
  }

  @Override
  public synchronized void onCompleted() {
    if (over || stored) {
      return;
    }
    try {
      BlobStore.Incoming from = incoming;
      if (from == null) {
        throw Wire.invalid("no message came: expected one with sha256 and total_bytes");
      }
      from.finish();
      stored(from.sha256());
    } catch (StatusRuntimeException e) {
      fail(e);
    } catch (IllegalArgumentException e) {
      fail(Wire.invalid(String.valueOf(e.getMessage())));
    } catch (IOException e) {
      fail(unstored(e));
    }
  }

  @Override
  public synchronized void cutIfIdleSince(long nanos) {
    // Copying has bounds of its own.
    if (!over && !stored && movedNanos - nanos < 0) {
      fail(Status.ABORTED.withDescription("nothing came for too long").asRuntimeException());
    }
  }

  /** The sender is answered once the blob would outlive this coordinator. */
  @GuardedBy("this")
  private void stored(String sha256) {
    if (isCopy) {
      succeed();
      return;
    }
    stored = true;
    Thread.ofVirtual().name("pulmo-upload").start(() -> spread(sha256));
  }

  private void spread(String sha256) {
    Status copied = copies.spread(sha256, PATIENCE);
    synchronized (this) {
      if (over) {
        return;
      }
      if (copied.isOk()) {
        succeed();
      } else {
        fail(copied.asRuntimeException());
      }
    }
  }

  @GuardedBy("this")
  private void succeed() {
    finish();
    answer.onNext(PutBlobResponse.getDefaultInstance());
    answer.onCompleted();
  }

  @GuardedBy("this")
  private void fail(StatusRuntimeException status) {
    finish();
    answer.onError(status);
  }

  @GuardedBy("this")
  private void finish() {
    if (over) {
      return;
    }
    over = true;
    whenOver.run();
    BlobStore.Incoming open = incoming;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        log.warn("a part of a blob stays behind: {}", e.getMessage());
      }
    }
  }

  private static StatusRuntimeException unstored(IOException e) {
    Status status = e instanceof NoRoomException ? Status.RESOURCE_EXHAUSTED : Status.INTERNAL;
    return status
        .withDescription("the coordinator cannot store the blob: " + e.getMessage())
        .withCause(e)
        .asRuntimeException();
  }
}
