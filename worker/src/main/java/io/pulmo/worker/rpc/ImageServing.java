package io.pulmo.worker.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetImageRequest;
import io.pulmo.proto.GetManifestRequest;
import io.pulmo.proto.ManifestChunk;
import io.pulmo.worker.data.JobImages;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The image part of service Peer: gives peers of the same job what they lack. */
public final class ImageServing implements AutoCloseable {
  private static final int PIECE_BYTES = 256 << 10;
  private static final int MOST_TRANSFERS = 32;
  private static final long MOST_NANOS = TimeUnit.MINUTES.toNanos(2);

  private final Map<String, JobImages> jobs = new ConcurrentHashMap<>();
  private final Semaphore transfers;
  private final long stallMillis;
  private final ScheduledThreadPoolExecutor timer;

  /** Serves no job yet; cuts off who takes nothing for 10 seconds, or not all in 2 minutes. */
  public ImageServing() {
    this(MOST_TRANSFERS, 10_000);
  }

  ImageServing(int mostTransfers, long stallMillis) {
    this.transfers = new Semaphore(mostTransfers);
    this.stallMillis = stallMillis;
    this.timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("image-serving").factory());
    timer.setRemoveOnCancelPolicy(true);
  }

  /** From now on peers may ask for a job's images. */
  public void offer(String jobId, JobImages images) {
    jobs.put(jobId, images);
  }

  /** No more. */
  public void withdraw(String jobId) {
    jobs.remove(jobId);
  }

  /** Answers GetManifest. */
  public void getManifest(GetManifestRequest request, StreamObserver<ManifestChunk> responses) {
    JobImages images = find(request.getJobId(), responses);
    if (images != null) {
      byte[] encoded = images.index().manifest().encoded();
      send(
          new JobImages.Opened(new ByteArrayInputStream(encoded), encoded.length),
          data -> ManifestChunk.newBuilder().setEntries(data).build(),
          responses);
    }
  }

  /** Answers GetImage. */
  public void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
    JobImages images = find(request.getJobId(), responses);
    if (images == null) {
      return;
    }
    JobImages.Opened image;
    try {
      image = images.open(request.getName(), request.getSha256());
    } catch (IOException e) {
      responses.onError(
          Status.NOT_FOUND
              .withDescription(
                  "image '%s' cannot be given: %s"
                      .formatted(shown(request.getName()), e.getMessage()))
              .asRuntimeException());
      return;
    }
    send(image, data -> FileChunk.newBuilder().setData(data).build(), responses);
  }

  private @Nullable JobImages find(String jobId, StreamObserver<?> responses) {
    JobImages images = jobs.get(jobId);
    if (images == null) {
      responses.onError(
          Status.FAILED_PRECONDITION
              .withDescription("this worker is not enlisted in job '" + shown(jobId) + "'")
              .asRuntimeException());
    }
    return images;
  }

  private static String shown(String text) {
    return text.substring(0, Math.min(text.length(), 100)).replaceAll("[^ -~]", "?");
  }

  private <T> void send(
      JobImages.Opened from, Function<ByteString, T> message, StreamObserver<T> responses) {
    if (!transfers.tryAcquire()) {
      close(from.in());
      responses.onError(
          Status.RESOURCE_EXHAUSTED
              .withDescription("too many transfers are under way here: ask another, or later")
              .asRuntimeException());
      return;
    }
    new Transfer<>(from, message, (ServerCallStreamObserver<T>) responses).start();
  }

  private static void close(InputStream in) {
    try {
      in.close();
    } catch (IOException e) {
      throw new IllegalStateException("a file that was read could not be closed", e);
    }
  }

  /**
   * One stream to a peer: written when the peer has room, so that no thread waits for it. gRPC
   * calls a call's handlers one after the other.
   */
  private final class Transfer<T> {
    private final InputStream in;
    private final Function<ByteString, T> message;
    private final ServerCallStreamObserver<T> call;
    private final long endNanos = System.nanoTime() + MOST_NANOS;
    private int left;
    private @Nullable Future<?> expiry;
    private boolean done;

    Transfer(
        JobImages.Opened from, Function<ByteString, T> message, ServerCallStreamObserver<T> call) {
      this.in = from.in();
      this.left = from.bytes();
      this.message = message;
      this.call = call;
    }

    void start() {
      call.setOnCancelHandler(this::end);
      call.setOnReadyHandler(this::write);
      write();
    }

    private synchronized void write() {
      if (done) {
        return;
      }
      try {
        while (left > 0 && call.isReady()) {
          byte[] piece = in.readNBytes(Math.min(left, PIECE_BYTES));
          if (piece.length == 0) {
            throw new IOException("the file ends early: it has changed");
          }
          left -= piece.length;
          call.onNext(message.apply(UnsafeByteOperations.unsafeWrap(piece)));
        }
      } catch (IOException e) {
        end();
        call.onError(
            Status.DATA_LOSS
                .withDescription("reading failed: " + e.getMessage())
                .withCause(e)
                .asRuntimeException());
        return;
      }
      if (left == 0) {
        end();
        call.onCompleted();
      } else {
        expectMore();
      }
    }

    private void expectMore() {
      if (expiry != null) {
        expiry.cancel(false);
      }
      long most = TimeUnit.MILLISECONDS.toNanos(stallMillis);
      expiry =
          timer.schedule(
              this::expire, Math.min(most, endNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
    }

    private synchronized void expire() {
      if (!done) {
        end();
        call.onError(
            Status.ABORTED
                .withDescription("it is taken too slowly: ask again")
                .asRuntimeException());
      }
    }

    private synchronized void end() {
      if (!done) {
        done = true;
        if (expiry != null) {
          expiry.cancel(false);
        }
        transfers.release();
        ImageServing.close(in);
      }
    }
  }

  @Override
  public void close() {
    jobs.clear();
    timer.shutdownNow();
  }
}
