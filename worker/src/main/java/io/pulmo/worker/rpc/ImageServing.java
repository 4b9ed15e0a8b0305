package io.pulmo.worker.rpc;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetImageRequest;
import io.pulmo.proto.GetManifestRequest;
import io.pulmo.proto.ManifestChunk;
import io.pulmo.worker.data.JobImages;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The image part of service Peer: gives peers of the same job what they lack. */
public final class ImageServing implements AutoCloseable {
  private static final int PIECE_BYTES = 256 << 10;
  private static final int READY_BYTES = 512 << 10;

  /** As many as the decoders of a few members ask for at once. */
  private static final int MOST_TRANSFERS = 32;

  private final Map<String, JobImages> jobs = new ConcurrentHashMap<>();
  private final Transfers transfers;

  /** Serves no job yet. */
  public ImageServing() {
    this(new Transfers(MOST_TRANSFERS, READY_BYTES));
  }

  ImageServing(Transfers transfers) {
    this.transfers = transfers;
  }

  /** From now on peers may ask for a job's images. */
  public void offer(String jobId, JobImages images) {
    jobs.put(jobId, images);
  }

  /** No more. */
  public void withdraw(String jobId) {
    jobs.remove(jobId);
  }

  void getManifest(GetManifestRequest request, StreamObserver<ManifestChunk> responses) {
    JobImages images = find(request.getJobId(), responses);
    if (images != null) {
      byte[] encoded = images.index().manifest().encoded();
      transfers.send(
          new FilePieces<>(
              new ByteArrayInputStream(encoded),
              encoded.length,
              PIECE_BYTES,
              data -> ManifestChunk.newBuilder().setEntries(data).build()),
          responses);
    }
  }

  void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
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
    transfers.send(
        new FilePieces<>(
            image.in(),
            image.bytes(),
            PIECE_BYTES,
            data -> FileChunk.newBuilder().setData(data).build()),
        responses);
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

  @Override
  public void close() {
    jobs.clear();
    transfers.close();
  }
}
