package io.pulmo.coordinator.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.PutBlobResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A blob on its way in. */
final class Upload implements StreamObserver<PutBlobRequest>, Transfer {
  private static final Logger log = LoggerFactory.getLogger(Upload.class);

  private final BlobStore store;
  private final StreamObserver<PutBlobResponse> answer;
  private final LongSupplier nanoTime;
  private final Runnable whenOver;

  @GuardedBy("this")
  private BlobStore.@Nullable Incoming incoming;

  @GuardedBy("this")
  private long movedNanos;

  @GuardedBy("this")
  private boolean over;

  Upload(
      BlobStore store,
      StreamObserver<PutBlobResponse> answer,
      LongSupplier nanoTime,
      Runnable whenOver) {
    this.store = store;
    this.answer = answer;
    this.nanoTime = nanoTime;
    this.whenOver = whenOver;
    this.movedNanos = nanoTime.getAsLong();
  }

  @Override
  public synchronized void onNext(PutBlobRequest request) {
    if (over) {
      return;
    }
    movedNanos = nanoTime.getAsLong();
    try {
      BlobStore.Incoming to = incoming;
      if (to == null) {
        String sha256 = Wire.blobName("sha256", request.getSha256());
        long bytes = request.getTotalBytes();
        if (bytes < 0 || bytes > BlobStore.LARGEST_BYTES) {
          throw Wire.invalid(
              "total_bytes is "
                  + Long.toUnsignedString(bytes)
                  + ": expected at most "
                  + BlobStore.LARGEST_BYTES);
        }
        if (store.size(sha256).isPresent()) {
          succeed();
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
    if (over) {
      return;
    }
    try {
      BlobStore.Incoming from = incoming;
      if (from == null) {
        throw Wire.invalid("no message came: expected one with sha256 and total_bytes");
      }
      from.finish();
      succeed();
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
    if (!over && movedNanos - nanos < 0) {
      fail(Status.ABORTED.withDescription("nothing came for too long").asRuntimeException());
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
    return Status.RESOURCE_EXHAUSTED
        .withDescription("the coordinator cannot store the blob: " + e.getMessage())
        .withCause(e)
        .asRuntimeException();
  }
}
