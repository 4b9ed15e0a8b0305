package io.pulmo.coordinator.rpc;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.JobLedger;
import io.pulmo.proto.GetLedgerResponse;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** A thread that reads what ledgers lie in files, so that the coordinator's loop need not. */
final class LedgerReader implements AutoCloseable {
  private static final int MOST_WAITING = 16;

  private final BlobStore blobs;
  private final ThreadPoolExecutor thread =
      new ThreadPoolExecutor(
          1,
          1,
          1,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(MOST_WAITING),
          Thread.ofPlatform().daemon().name("pulmo-ledger").factory());

  LedgerReader(BlobStore blobs) {
    this.blobs = blobs;
  }

  /** Answers, soon. */
  void answer(JobLedger ledger, StreamObserver<GetLedgerResponse> answer) {
    try {
      thread.execute(() -> read(ledger, answer));
    } catch (RejectedExecutionException e) {
      answer.onError(
          Status.UNAVAILABLE
              .withDescription("too many ask for ledgers: call again")
              .withCause(e)
              .asRuntimeException());
    }
  }

  private void read(JobLedger ledger, StreamObserver<GetLedgerResponse> answer) {
    try {
      JobLedger.Told leaders = ledger.leaders(blobs);
      JobLedger.Told states = ledger.states(blobs);
      answer.onNext(
          GetLedgerResponse.newBuilder()
              .setLeaderJson(UnsafeByteOperations.unsafeWrap(leaders.json()))
              .setLeaderLacks(leaders.lacks())
              .setStateJson(UnsafeByteOperations.unsafeWrap(states.json()))
              .setStateLacks(states.lacks())
              .build());
      answer.onCompleted();
    } catch (RuntimeException e) {
      answer.onError(
          Status.INTERNAL
              .withDescription("the ledger could not be put together: " + e)
              .withCause(e)
              .asRuntimeException());
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
