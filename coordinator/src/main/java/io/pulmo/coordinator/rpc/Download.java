package io.pulmo.coordinator.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.pulmo.node.Blobs;
import io.pulmo.proto.BlobChunk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A blob on its way out: read from disk only as fast as the receiver takes it. */
final class Download implements Transfer {
  private static final Logger log = LoggerFactory.getLogger(Download.class);

  private final FileChannel file;
  private final ServerCallStreamObserver<BlobChunk> out;
  private final LongSupplier nanoTime;
  private final Runnable whenOver;

  @GuardedBy("this")
  private long movedNanos;

  @GuardedBy("this")
  private boolean over;

  Download(
      FileChannel file,
      ServerCallStreamObserver<BlobChunk> out,
      LongSupplier nanoTime,
      Runnable whenOver) {
    this.file = file;
    this.out = out;
    this.nanoTime = nanoTime;
    this.whenOver = whenOver;
    this.movedNanos = nanoTime.getAsLong();
  }

  void start() {
    out.setOnCancelHandler(this::finish);
    out.setOnReadyHandler(this::pump);
  }

  private synchronized void pump() {
    try {
      while (!over && out.isReady()) {
        movedNanos = nanoTime.getAsLong();
        // A buffer of its own for each message: gRPC keeps it until it is sent.
        ByteBuffer chunk = ByteBuffer.allocate(Blobs.CHUNK_BYTES);
        int read = file.read(chunk);
        if (read < 0) {
          finish();
          out.onCompleted();
        } else {
          chunk.flip();
          out.onNext(
              BlobChunk.newBuilder().setData(UnsafeByteOperations.unsafeWrap(chunk)).build());
        }
      }
    } catch (IOException e) {
      finish();
      out.onError(
          Status.INTERNAL
              .withDescription("the coordinator cannot read the blob: " + e.getMessage())
              .withCause(e)
              .asRuntimeException());
    }
  }

  @Override
  public synchronized void cutIfIdleSince(long nanos) {
    if (!over && movedNanos - nanos < 0) {
      finish();
      out.onError(
          Status.ABORTED.withDescription("nothing was taken for too long").asRuntimeException());
    }
  }

  private synchronized void finish() {
    if (over) {
      return;
    }
    over = true;
    whenOver.run();
    try {
      file.close();
    } catch (IOException e) {
      log.debug("closing a blob failed", e);
    }
  }
}
