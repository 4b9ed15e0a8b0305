package io.pulmo.client;

import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.AnalyzeResponse;
import io.pulmo.proto.Failure;
import io.pulmo.proto.Findings;
import io.pulmo.proto.InferenceGrpc;
import io.pulmo.proto.ListModelsRequest;
import io.pulmo.proto.ListModelsResponse;
import io.pulmo.proto.ModelIdentity;
import io.pulmo.proto.Precision;
import io.pulmo.proto.ServedModel;
import io.pulmo.proto.WeightRange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A server on a loopback port whose answers follow from the image's text: {@code value N} is
 * answered with N / 100, {@code fail CODE} with a failure, {@code hold} not at all, {@code forever}
 * neither and keeps the stream open too, {@code break} by ending the stream with an error.
 */
final class FakeInference extends InferenceGrpc.InferenceImplBase implements AutoCloseable {
  final BlockingQueue<AnalyzeRequest> received = new LinkedBlockingQueue<>();
  final CountDownLatch cancelled = new CountDownLatch(1);
  private final Server server;

  FakeInference() {
    try {
      server =
          Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
              .addService(this)
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static byte[] image(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  String target() {
    return "127.0.0.1:" + server.getPort();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  @Override
  public void analyze(AnalyzeRequest request, StreamObserver<AnalyzeResponse> observer) {
    Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
    received.add(request);
    String text = request.getImage().toStringUtf8();
    if (text.startsWith("fail")) {
      observer.onError(
          Status.fromCodeValue(Integer.parseInt(text.substring(5)))
              .withDescription("because of " + text)
              .asRuntimeException());
    } else if (!text.equals("hold")) {
      observer.onNext(answer(request));
      observer.onCompleted();
    }
  }

  @Override
  public StreamObserver<AnalyzeRequest> analyzeStream(StreamObserver<AnalyzeResponse> observer) {
    ((ServerCallStreamObserver<AnalyzeResponse>) observer).setOnCancelHandler(cancelled::countDown);
    return new StreamObserver<>() {
      private boolean forever;

      @Override
      public void onNext(AnalyzeRequest request) {
        received.add(request);
        String text = request.getImage().toStringUtf8();
        if (text.equals("break")) {
          observer.onError(Status.UNAVAILABLE.withDescription("gone").asRuntimeException());
        } else if (text.equals("forever")) {
          forever = true;
        } else if (!text.equals("hold")) {
          observer.onNext(answer(request));
        }
      }

      @Override
      public void onError(Throwable thrown) {}

      @Override
      public void onCompleted() {
        if (!forever) {
          observer.onCompleted();
        }
      }
    };
  }

  @Override
  public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> observer) {
    observer.onNext(
        ListModelsResponse.newBuilder()
            .addModels(
                ServedModel.newBuilder()
                    .setModel(identity())
                    .addAllLabels(Analysis.LABELS)
                    .addPrecisions(Precision.PRECISION_FP32))
            .build());
    observer.onCompleted();
  }

  private static ModelIdentity identity() {
    return ModelIdentity.newBuilder().setName("chest").setVersion(3).setDigest("ab12").build();
  }

  private static AnalyzeResponse answer(AnalyzeRequest request) {
    AnalyzeResponse.Builder answer =
        AnalyzeResponse.newBuilder().setCorrelationId(request.getCorrelationId());
    String text = request.getImage().toStringUtf8();
    if (text.startsWith("fail")) {
      return answer
          .setFailure(
              Failure.newBuilder()
                  .setCode(Integer.parseInt(text.substring(5)))
                  .setMessage("because of " + text))
          .build();
    }
    Findings.Builder findings = Findings.newBuilder().setModel(identity());
    for (int i = 0; i < Analysis.LABELS.size(); i++) {
      findings.addProbabilities(Integer.parseInt(text.substring(6)) / 100f);
    }
    Precision asked = request.getPrecision();
    findings.setPrecision(
        asked == Precision.PRECISION_UNSPECIFIED ? Precision.PRECISION_FP32 : asked);
    if (asked == Precision.PRECISION_INT8) {
      findings.setWeightRange(WeightRange.WEIGHT_RANGE_HALF);
    }
    return answer.setFindings(findings).build();
  }
}
