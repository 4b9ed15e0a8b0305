package io.pulmo.serving.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.client.Analysis;
import io.pulmo.client.PulmoClient;
import io.pulmo.client.PulmoException;
import io.pulmo.node.Channels;
import io.pulmo.node.Listen;
import io.pulmo.node.NodeServer;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.AnalyzeResponse;
import io.pulmo.proto.InferenceGrpc;
import io.pulmo.proto.ListModelsRequest;
import io.pulmo.serving.GatedJudge;
import io.pulmo.serving.engine.Engine;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The service on a judge that waits, so that queues can be looked at. */
@Timeout(60)
class InferenceServiceTest {
  /** One infers, one decodes. */
  private static final int ENGINE_THREADS = 2;

  private final GatedJudge judge = new GatedJudge("chest");
  private final Engine engine = new Engine(List.of(judge));
  private NodeServer server;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws Exception {
    server =
        NodeServer.start(
            Listen.loopback(0),
            InferenceService.MAX_MESSAGE_BYTES,
            List.of(new InferenceService(engine)));
    channel = Channels.open(server.address(), 1 << 20);
  }

  @AfterEach
  void stop() {
    judge.go.release(1000);
    Channels.close(channel);
    server.close();
    engine.close();
  }

  /** Hears answers on a stream. */
  private static final class Answers implements StreamObserver<AnalyzeResponse> {
    final Set<String> ids = ConcurrentHashMap.newKeySet();
    final CompletableFuture<Boolean> end = new CompletableFuture<>();

    @Override
    public void onNext(AnalyzeResponse response) {
      ids.add(response.getCorrelationId());
    }

    @Override
    public void onError(Throwable thrown) {
      end.completeExceptionally(thrown);
    }

    @Override
    public void onCompleted() {
      end.complete(true);
    }
  }

  private static AnalyzeRequest request(int number) {
    return AnalyzeRequest.newBuilder()
        .setCorrelationId("n" + number)
        .setImage(ByteString.copyFrom(new byte[] {1}))
        .build();
  }

  /** Waits until both threads have a study; what comes later waits in the queue. */
  private void awaitOccupied() throws InterruptedException {
    judge.entered.acquire(ENGINE_THREADS);
  }

  private void awaitWaiting(int studies) {
    while (engine.waiting() != studies) {
      assertFalse(Thread.currentThread().isInterrupted(), () -> engine.waiting() + " wait");
      Thread.onSpinWait();
    }
  }

  @Test
  void stream_moreThanTheWindow_isReadAsAnswersLeave() throws Exception {
    Answers answers = new Answers();
    StreamObserver<AnalyzeRequest> requests = InferenceGrpc.newStub(channel).analyzeStream(answers);
    for (int i = 0; i < 60; i++) {
      requests.onNext(request(i));
    }
    requests.onCompleted();
    awaitOccupied();
    awaitWaiting(StreamSession.WINDOW - ENGINE_THREADS);
    // On the same connection, so answered after the requests have come in.
    InferenceGrpc.newBlockingStub(channel).listModels(ListModelsRequest.getDefaultInstance());
    assertEquals(StreamSession.WINDOW - ENGINE_THREADS, engine.waiting());
    judge.go.release(60);
    assertTrue(answers.end.get());
    assertEquals(60, answers.ids.size());
  }

  @Test
  void stream_cancelled_queuedStudiesAreNotComputed() throws Exception {
    StreamObserver<AnalyzeRequest> requests =
        InferenceGrpc.newStub(channel).analyzeStream(new Answers());
    for (int i = 0; i < 10; i++) {
      requests.onNext(request(i));
    }
    awaitOccupied();
    awaitWaiting(10 - ENGINE_THREADS);
    ((ClientCallStreamObserver<AnalyzeRequest>) requests).cancel("gone", null);
    awaitWaiting(0);
    judge.go.release(100);
    engine.close();
    assertEquals(ENGINE_THREADS, judge.judged.get());
  }

  @Test
  void analyze_queueFull_isOverloadedAndCancelledOnesMakeRoom() throws Exception {
    int most = Engine.QUEUE_STUDIES + ENGINE_THREADS;
    try (PulmoClient client =
        PulmoClient.builder().target(server.address().toString()).maxInFlight(most + 1).build()) {
      List<CompletableFuture<Analysis>> answers = new ArrayList<>();
      for (int i = 0; i < most; i++) {
        answers.add(client.analyzeAsync(new byte[] {1}));
      }
      awaitOccupied();
      awaitWaiting(Engine.QUEUE_STUDIES);
      PulmoException full =
          assertThrows(PulmoException.class, () -> client.analyze(new byte[] {1}));
      assertEquals(PulmoException.Kind.OVERLOADED, full.kind());
      assertTrue(full.isRetryable());
      assertTrue(String.valueOf(full.getMessage()).contains("try again later"));
      answers.forEach(answer -> answer.cancel(false));
      awaitWaiting(0);
      judge.go.release(1000);
      assertEquals(0.01f, client.analyze(new byte[] {1}).probability("Mass"));
    }
  }
}
