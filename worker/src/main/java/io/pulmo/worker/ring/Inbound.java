package io.pulmo.worker.ring;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.PassSummary;
import io.pulmo.proto.RingMessage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The stream from a predecessor, at first of unknown origin. */
final class Inbound implements StreamObserver<RingMessage> {
  private final RingService service;
  private final ServerCallStreamObserver<PassSummary> call;
  private final AtomicBoolean answered = new AtomicBoolean();
  private volatile @Nullable AllReduce ring;
  private boolean opened;
  private long segments;

  Inbound(RingService service, ServerCallStreamObserver<PassSummary> call) {
    this.service = service;
    this.call = call;
  }

  void request(int messages) {
    call.request(messages);
  }

  /** Hands the stream to its ring; messages may come from now on. */
  void attached(AllReduce to) {
    ring = to;
    request(AllReduce.INBOX_MESSAGES);
  }

  void fail(Status status) {
    if (answered.compareAndSet(false, true)) {
      call.onError(status.asRuntimeException());
    }
  }

  @Override
  public void onNext(RingMessage message) {
    if (!opened) {
      opened = true;
      if (!message.hasOpening()) {
        service.forget(this);
        fail(Status.INVALID_ARGUMENT.withDescription("expected an Opening as the first message"));
        return;
      }
      service.open(this, message.getOpening());
      return;
    }
    AllReduce to = ring;
    if (to == null || !message.hasSegment()) {
      refuse(to, "expected a Segment after the Opening, got " + message.getKindCase());
      return;
    }
    segments++;
    if (!to.offer(message.getSegment())) {
      refuse(to, "the member has left the ring");
    }
  }

  private void refuse(@Nullable AllReduce to, String what) {
    fail(Status.FAILED_PRECONDITION.withDescription(what));
    if (to != null) {
      to.predecessorEnded(what);
    }
  }

  @Override
  public void onError(Throwable error) {
    answered.set(true);
    service.forget(this);
    AllReduce to = ring;
    if (to != null) {
      to.predecessorEnded(Outbound.describe(Status.fromThrowable(error)));
    }
  }

  @Override
  public void onCompleted() {
    service.forget(this);
    AllReduce to = ring;
    if (to != null) {
      to.predecessorEnded("it has left");
    }
    if (answered.compareAndSet(false, true)) {
      call.onNext(PassSummary.newBuilder().setSegments(segments).build());
      call.onCompleted();
    }
  }
}
