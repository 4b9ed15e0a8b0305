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
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A blob on its way out: read from disk only as fast as the receiver takes it. */
final class Download implements Transfer {
  private static final Logger log = LoggerFactory.getLogger(Download.class);

  private final ServerCallStreamObserver<BlobChunk> out;
  private final LongSupplier nanoTime;
  private final Runnable whenOver;

  @GuardedBy("this")
  private @Nullable FileChannel file;

  @GuardedBy("this")
  private boolean begun;

  @GuardedBy("this")
  private long movedNanos;

  @GuardedBy("this")
  private boolean over;

  Download(ServerCallStreamObserver<BlobChunk> out, LongSupplier nanoTime, Runnable whenOver) {
    this.out = out;
    this.nanoTime = nanoTime;
    this.whenOver = whenOver;
    this.movedNanos = nanoTime.getAsLong();
  }

  /** Gets ready, while gRPC still allows it: the blob may have to be fetched first. */
  void prepare() {
    out.setOnCancelHandler(this::finish);
    out.setOnReadyHandler(this::pump);
  }

  /** Sends a blob, and closes it. */
  synchronized void send(FileChannel blob) {
    file = blob;
    movedNanos = nanoTime.getAsLong();
    if (over) {
      close(blob);
    } else {
      pump();
    }
  }

  /** Says why there is nothing to send. */
  synchronized void refuse(Status why) {
    if (!over) {
      finish();
      out.onError(why.asRuntimeException());
    }
  }

  private synchronized void pump() {
    FileChannel from = file;
    if (from == null) {
      return;
    }
    try {
      while (!over && out.isReady()) {
        movedNanos = nanoTime.getAsLong();
        // A buffer of its own for each message: gRPC keeps it until it is sent.
        ByteBuffer chunk = ByteBuffer.allocate(Blobs.CHUNK_BYTES);
        int read = from.read(chunk);
        if (read < 0) {
          finish();
          out.onCompleted();
        } else {
          chunk.flip();
          BlobChunk.Builder message =
              BlobChunk.newBuilder().setData(UnsafeByteOperations.unsafeWrap(chunk));
          if (!begun) {
            begun = true;
            message.setTotalBytes(from.size());
          }
          out.onNext(message.build());
        }
      }
    } catch (IOException e) {
      refuse(
          Status.INTERNAL
              .withDescription("the coordinator cannot read the blob: " + e.getMessage())
              .withCause(e));
    }
  }

  @Override
  public synchronized void cutIfIdleSince(long nanos) {
    // Fetching from another coordinator has bounds of its own.
    if (file != null && movedNanos - nanos < 0) {
      refuse(Status.ABORTED.withDescription("nothing was taken for too long"));
    }
  }

  private synchronized void finish() {
    if (over) {
      return;
    }
    over = true;
    whenOver.run();
    FileChannel open = file;
    if (open != null) {
      close(open);
    }
  }

  private static void close(FileChannel blob) {
    try {
      blob.close();
    } catch (IOException e) {
      log.debug("closing a blob failed", e);
    }
  }
}
