package io.pulmo.coordinator.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.Submission;
import io.pulmo.proto.BlobChunk;
import io.pulmo.proto.GetBlobRequest;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.PutBlobResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The calls that bring blobs to a coordinator and fetch them from it. */
final class BlobCalls {
  private static final int MOST_TRANSFERS = 32;
  private static final Duration IDLE_TRANSFER = Duration.ofSeconds(30);

  // Who calls has ten seconds; the files were copied when they came, as a rule.
  private static final Duration SUBMISSION_PATIENCE = Duration.ofSeconds(8);

  private final BlobStore blobs;
  private final BlobCopies copies;
  private final Supplier<Optional<StatusRuntimeException>> refusal;
  private final LongSupplier nanoTime;
  private final Set<Transfer> transfers = ConcurrentHashMap.newKeySet();

  /**
   * None yet.
   *
   * @param refusal why this coordinator does not do what a leader does, if it does not
   */
  BlobCalls(
      BlobStore blobs,
      BlobCopies copies,
      Supplier<Optional<StatusRuntimeException>> refusal,
      LongSupplier nanoTime) {
    this.blobs = blobs;
    this.copies = copies;
    this.refusal = refusal;
    this.nanoTime = nanoTime;
  }

  /** Cuts transfers that lie idle; called several times a second. */
  void tick() {
    long idleSince = nanoTime.getAsLong() - IDLE_TRANSFER.toNanos();
    transfers.forEach(transfer -> transfer.cutIfIdleSince(idleSince));
  }

  /** A blob comes. */
  StreamObserver<PutBlobRequest> put(StreamObserver<PutBlobResponse> answer) {
    if (transfers.size() >= MOST_TRANSFERS) {
      answer.onError(Wire.busy());
      return new Ignored<>();
    }
    AtomicReference<@Nullable Transfer> self = new AtomicReference<>();
    Upload upload = new Upload(blobs, copies, refusal, answer, nanoTime, () -> forget(self));
    self.set(upload);
    transfers.add(upload);
    return upload;
  }

  /** A blob is wanted. */
  void get(GetBlobRequest request, StreamObserver<BlobChunk> answer) {
    if (transfers.size() >= MOST_TRANSFERS) {
      answer.onError(Wire.busy());
      return;
    }
    try {
      String sha256 = Wire.blobName("sha256", request.getSha256());
      boolean here = blobs.size(sha256).isPresent();
      if (!here && request.getHeldHere()) {
        throw missing(sha256);
      }
      Optional<StatusRuntimeException> refused = refusal.get();
      if (!here && refused.isPresent()) {
        throw refused.get();
      }
      AtomicReference<@Nullable Transfer> self = new AtomicReference<>();
      Download download =
          new Download((ServerCallStreamObserver<BlobChunk>) answer, nanoTime, () -> forget(self));
      self.set(download);
      transfers.add(download);
      download.prepare();
      if (here) {
        send(sha256, download);
      } else {
        Thread.ofVirtual().name("pulmo-fetch").start(() -> fetchAndSend(sha256, download));
      }
    } catch (StatusRuntimeException e) {
      answer.onError(e);
    }
  }

  private void fetchAndSend(String sha256, Download download) {
    Status fetched = copies.fetch(sha256);
    if (fetched.isOk()) {
      send(sha256, download);
    } else {
      download.refuse(fetched);
    }
  }

  private void send(String sha256, Download download) {
    try {
      download.send(blobs.open(sha256));
    } catch (IOException e) {
      download.refuse(missing(sha256).getStatus().withCause(e));
    }
  }

  private static StatusRuntimeException missing(String sha256) {
    return Status.NOT_FOUND
        .withDescription("no blob " + sha256 + " here: expected one put before")
        .asRuntimeException();
  }

  private void forget(AtomicReference<@Nullable Transfer> self) {
    Transfer over = self.get();
    if (over != null) {
      transfers.remove(over);
    }
  }

  /**
   * Has the files of a submission here and with another coordinator, all at once. One that is
   * nowhere is for the submission's own check to name.
   */
  Status secure(Submission submission) {
    List<CompletableFuture<Status>> all = new ArrayList<>();
    for (JobRecord.File file : submission.files()) {
      CompletableFuture<Status> one = new CompletableFuture<>();
      all.add(one);
      Thread.ofVirtual()
          .name("pulmo-secure")
          .start(
              () -> {
                Status status = Status.INTERNAL;
                try {
                  boolean here = blobs.touch(file.sha256()) || copies.fetch(file.sha256()).isOk();
                  status = here ? copies.spread(file.sha256(), SUBMISSION_PATIENCE) : Status.OK;
                } finally {
                  one.complete(status);
                }
              });
    }
    return all.stream()
        .map(CompletableFuture::join)
        .filter(status -> !status.isOk())
        .findFirst()
        .orElse(Status.OK);
  }
}
