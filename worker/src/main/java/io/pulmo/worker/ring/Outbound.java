package io.pulmo.worker.ring;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.pulmo.proto.Opening;
import io.pulmo.proto.PassSummary;
import io.pulmo.proto.RingGrpc;
import io.pulmo.proto.RingMessage;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The stream to the successor. */
final class Outbound {
  /** Bytes that may wait in the stream before it stops being ready. */
  private static final int READY_BYTES = 4 << 20;

  private final ManagedChannel channel;
  private final ClientCallStreamObserver<RingMessage> call;

  /**
   * Opens the stream.
   *
   * @param onReady runs whenever the stream may have become ready
   * @param onEnd takes what ended the stream
   */
  Outbound(RingPlan plan, ManagedChannel channel, Runnable onReady, Consumer<String> onEnd) {
    this.channel = channel;
    Answer answer = new Answer(onReady, onEnd);
    var unused = RingGrpc.newStub(channel).withOnReadyThreshold(READY_BYTES).pass(answer);
    this.call = Objects.requireNonNull(answer.call, "set before the call starts");
    call.onNext(
        RingMessage.newBuilder()
            .setOpening(
                Opening.newBuilder()
                    .setJobId(plan.jobId())
                    .setView(plan.view())
                    .setSenderMemberId(plan.self().memberId())
                    .setReceiverMemberId(plan.successor().memberId()))
            .build());
  }

  boolean isReady() {
    return call.isReady();
  }

  void send(RingMessage message) {
    call.onNext(message);
  }

  /** Ends the stream in good order; what was sent still arrives. */
  void finish() {
    call.onCompleted();
    channel.shutdown();
  }

  void cancel(String reason) {
    call.cancel(reason, null);
    channel.shutdown();
  }

  private static final class Answer implements ClientResponseObserver<RingMessage, PassSummary> {
    private final Runnable onReady;
    private final Consumer<String> onEnd;
    private @Nullable ClientCallStreamObserver<RingMessage> call;

    Answer(Runnable onReady, Consumer<String> onEnd) {
      this.onReady = onReady;
      this.onEnd = onEnd;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<RingMessage> requests) {
      call = requests;
      requests.setOnReadyHandler(onReady);
    }

    @Override
    public void onNext(PassSummary summary) {}

    @Override
    public void onError(Throwable error) {
      onEnd.accept(describe(Status.fromThrowable(error)));
    }

    @Override
    public void onCompleted() {
      onEnd.accept("it has left");
    }
  }

  /** A status in words, with the cause that a lost connection has. */
  static String describe(Status status) {
    StringBuilder text = new StringBuilder(status.getCode().toString());
    if (status.getDescription() != null) {
      text.append(": ").append(status.getDescription());
    }
    Throwable cause = status.getCause();
    if (cause != null && cause.getMessage() != null) {
      text.append(": ").append(cause.getMessage());
    }
    return text.toString();
  }
}
