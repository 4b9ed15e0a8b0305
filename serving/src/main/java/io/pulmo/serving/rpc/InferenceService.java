package io.pulmo.serving.rpc;

import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.AnalyzeResponse;
import io.pulmo.proto.InferenceGrpc;
import io.pulmo.proto.ListModelsRequest;
import io.pulmo.proto.ListModelsResponse;
import io.pulmo.serving.engine.Engine;
import io.pulmo.serving.engine.Judgement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The Pulmo API on an engine. */
public final class InferenceService extends InferenceGrpc.InferenceImplBase {
  /** The service's full name. */
  public static final String NAME = InferenceGrpc.SERVICE_NAME;

  /** The largest message of the contract. */
  public static final int MAX_MESSAGE_BYTES = 32 << 20;

  private final Engine engine;

  /** Serves what the engine judges. */
  public InferenceService(Engine engine) {
    this.engine = engine;
  }

  @Override
  public void analyze(AnalyzeRequest request, StreamObserver<AnalyzeResponse> observer) {
    ServerCallStreamObserver<AnalyzeResponse> call =
        (ServerCallStreamObserver<AnalyzeResponse>) observer;
    CompletableFuture<Judgement> answer;
    try {
      answer = engine.submit(Wire.study(request, expiresNanos()));
    } catch (RuntimeException e) {
      call.onError(Wire.status(e).asRuntimeException());
      return;
    }
    call.setOnCancelHandler(() -> answer.cancel(false));
    var unused =
        answer.whenComplete(
            (judgement, thrown) -> {
              if (call.isCancelled()) {
                return;
              }
              if (thrown != null) {
                call.onError(Wire.status(thrown).asRuntimeException());
              } else {
                call.onNext(Wire.answer(request.getCorrelationId(), judgement));
                call.onCompleted();
              }
            });
  }

  @Override
  public StreamObserver<AnalyzeRequest> analyzeStream(StreamObserver<AnalyzeResponse> observer) {
    return new StreamSession(
        engine, (ServerCallStreamObserver<AnalyzeResponse>) observer, expiresNanos());
  }

  @Override
  public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> observer) {
    ListModelsResponse.Builder response = ListModelsResponse.newBuilder();
    engine.models().forEach(model -> response.addModels(Wire.model(model)));
    observer.onNext(response.build());
    observer.onCompleted();
  }

  private long expiresNanos() {
    Deadline deadline = Context.current().getDeadline();
    return deadline == null
        ? Long.MAX_VALUE
        : engine.nowNanos() + deadline.timeRemaining(TimeUnit.NANOSECONDS);
  }
}
