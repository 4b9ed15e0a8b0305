package io.pulmo.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import io.pulmo.client.Analysis;
import io.pulmo.client.AnalysisListener;
import io.pulmo.client.AnalysisStream;
import io.pulmo.client.Options;
import io.pulmo.client.Precision;
import io.pulmo.client.PulmoClient;
import io.pulmo.client.PulmoException;
import io.pulmo.client.ServedModel;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.network.Preset;
import io.pulmo.node.Channels;
import io.pulmo.node.Listen;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.InferenceGrpc;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.WeightRange;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class ServingServerTest {
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  static Path folder;

  private static Bundle bundle;
  private static ServingServer server;
  private static PulmoClient client;

  @BeforeAll
  static void start() throws Exception {
    TestModels.assumeOpenVino();
    bundle = TestModels.bundle(folder.resolve("chest/3"), Preset.SMALL, 1);
    server = ServingServer.start(ServingServer.Settings.offering(folder, Listen.loopback(0)));
    client = PulmoClient.builder().target(server.address().toString()).build();
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      client.close();
      server.close();
    }
  }

  private static PulmoException refused(byte[] image, Options options) {
    return assertThrows(PulmoException.class, () -> client.analyze(image, options));
  }

  @Test
  void analyze_bothPrecisions_agree() {
    for (int seed = 0; seed < 5; seed++) {
      byte[] image = TestImages.png(seed);
      Analysis torch = client.analyze(image, Options.defaults().withPrecision(Precision.TORCH));
      Analysis fp32 = client.analyze(image, Options.defaults().withPrecision(Precision.FP32));
      assertEquals(Precision.TORCH, torch.precision());
      assertEquals(Precision.FP32, fp32.precision());
      for (String label : Analysis.LABELS) {
        assertEquals(torch.probability(label), fp32.probability(label), 1e-4f, label);
      }
    }
  }

  @Test
  void analyze_int8_saysWhichWeightsJudged() throws Exception {
    Bundle quantized = TestModels.withInt8(bundle, folder.resolve("quantized"), 0.01f);
    BackendOptions half =
        BackendOptions.ofThisMachine().withForcedRange(Optional.of(WeightRange.HALF));
    try (ServingServer int8 =
            ServingServer.start(
                new ServingServer.Settings(
                    quantized.folder(),
                    Listen.loopback(0),
                    Set.of(Mode.FP32, Mode.INT8),
                    true,
                    ImageLimits.DEFAULTS,
                    half));
        PulmoClient caller = PulmoClient.builder().target(int8.address().toString()).build()) {
      Analysis analysis =
          caller.analyze(TestImages.png(1), Options.defaults().withPrecision(Precision.INT8));
      assertEquals(Precision.INT8, analysis.precision());
      assertEquals(Optional.of(io.pulmo.client.WeightRange.HALF), analysis.weightRange());
      assertEquals(Set.of(Precision.FP32, Precision.INT8), caller.models().getFirst().precisions());
    }
    PulmoException failure =
        refused(TestImages.png(1), Options.defaults().withPrecision(Precision.INT8));
    assertEquals(PulmoException.Kind.NOT_OFFERED, failure.kind());
    assertTrue(String.valueOf(failure.getMessage()).contains("--calibration"));
  }

  @Test
  void analyze_nothingAsked_namesModelAndTakesFp32() {
    Analysis analysis = client.analyze(TestImages.png(1));
    assertEquals("chest", analysis.modelName());
    assertEquals(3, analysis.modelVersion());
    assertEquals(bundle.digest(), analysis.modelDigest());
    assertEquals(Precision.FP32, analysis.precision());
  }

  @Test
  void models_oneServed_isListedWithAllPrecisions() {
    assertEquals(
        List.of(
            new ServedModel(
                "chest",
                3,
                bundle.digest(),
                Analysis.LABELS,
                Set.of(Precision.TORCH, Precision.FP32))),
        client.models());
  }

  @Test
  void analyze_notAnImage_isRefusedInTheDecodersWords() {
    PulmoException failure =
        refused("a letter".getBytes(StandardCharsets.UTF_8), Options.defaults());
    assertEquals(PulmoException.Kind.INVALID_ARGUMENT, failure.kind());
    assertTrue(String.valueOf(failure.getMessage()).contains("PNG"), failure.getMessage());
  }

  @Test
  void analyze_unknownModel_listsThoseThere() {
    PulmoException failure = refused(TestImages.png(1), Options.defaults().withModel("hand"));
    assertEquals(PulmoException.Kind.NOT_FOUND, failure.kind());
    assertTrue(String.valueOf(failure.getMessage()).contains("chest"), failure.getMessage());
  }

  @Test
  void analyze_deadlineTooShort_fails() {
    PulmoException failure =
        refused(TestImages.png(1), Options.defaults().withDeadline(Duration.ofNanos(1)));
    assertEquals(PulmoException.Kind.DEADLINE, failure.kind());
  }

  @ParameterizedTest
  @EnumSource(names = {"TORCH", "FP32"})
  void stream_manyWithBrokenOnes_answersEachInBand(Precision precision) {
    Map<String, Analysis> answered = new ConcurrentHashMap<>();
    Map<String, PulmoException> failed = new ConcurrentHashMap<>();
    AnalysisListener listener =
        new AnalysisListener() {
          @Override
          public void onAnalysis(String id, Analysis analysis) {
            answered.put(id, analysis);
          }

          @Override
          public void onFailure(String id, PulmoException failure) {
            failed.put(id, failure);
          }
        };
    byte[][] images = new byte[10][];
    for (int i = 0; i < images.length; i++) {
      images[i] = TestImages.png(i);
    }
    Options options = Options.defaults().withPrecision(precision);
    try (AnalysisStream stream = client.stream(options, listener)) {
      for (int i = 0; i < 200; i++) {
        stream.send("n" + i, i % 20 == 13 ? new byte[] {1, 2, 3} : images[i % 10]);
      }
      assertTrue(stream.awaitCompletion(Duration.ofSeconds(100)));
    }
    assertEquals(190, answered.size());
    assertEquals(10, failed.size());
    failed
        .values()
        .forEach(failure -> assertEquals(PulmoException.Kind.INVALID_ARGUMENT, failure.kind()));
    for (int i = 0; i < 200; i++) {
      if (i % 20 != 13) {
        Analysis alone = client.analyze(images[i % 10], options);
        Analysis streamed = Objects.requireNonNull(answered.get("n" + i));
        assertEquals(alone.probability("Mass"), streamed.probability("Mass"), 1e-6f, "n" + i);
      }
    }
  }

  @Test
  void analyze_precisionNotOffered_saysWhatIs() throws Exception {
    try (ServingServer one =
            ServingServer.start(
                new ServingServer.Settings(
                    folder,
                    Listen.loopback(0),
                    Set.of(Mode.FP32),
                    true,
                    ImageLimits.DEFAULTS,
                    BackendOptions.ofThisMachine()));
        PulmoClient its = PulmoClient.builder().target(one.address().toString()).build()) {
      PulmoException failure =
          assertThrows(
              PulmoException.class,
              () ->
                  its.analyze(
                      TestImages.png(1), Options.defaults().withPrecision(Precision.TORCH)));
      assertEquals(PulmoException.Kind.NOT_OFFERED, failure.kind());
      assertTrue(
          String.valueOf(failure.getMessage()).contains("offered: fp32"), failure.getMessage());
    }
  }

  @Test
  void close_underLoadInBothPrecisions_answersRightlyOrRefuses() throws Exception {
    byte[][] images = new byte[4][];
    float[] expected = new float[4];
    for (int i = 0; i < 4; i++) {
      images[i] = TestImages.png(i);
      expected[i] = client.analyze(images[i]).probability("Mass");
    }
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    ServingServer own =
        ServingServer.start(ServingServer.Settings.offering(folder, Listen.loopback(0)));
    CountDownLatch underWay = new CountDownLatch(100);
    try (PulmoClient its = PulmoClient.builder().target(own.address().toString()).build();
        ExecutorService callers = Executors.newFixedThreadPool(6)) {
      List<Future<PulmoException.Kind>> ends = new ArrayList<>();
      for (int c = 0; c < 6; c++) {
        Options options =
            Options.defaults().withPrecision(c % 2 == 0 ? Precision.TORCH : Precision.FP32);
        ends.add(
            callers.submit(
                () -> {
                  for (int i = 0; true; i = (i + 1) % 4) {
                    try {
                      Analysis analysis = its.analyze(images[i], options);
                      assertEquals(options.precision(), analysis.precision());
                      assertEquals(expected[i], analysis.probability("Mass"), 1e-4f);
                    } catch (PulmoException e) {
                      return e.kind();
                    }
                    underWay.countDown();
                  }
                }));
      }
      assertTrue(underWay.await(60, TimeUnit.SECONDS));
      own.close();
      for (Future<PulmoException.Kind> end : ends) {
        assertEquals(PulmoException.Kind.UNAVAILABLE, end.get());
      }
    }
    Set<Thread> left = new HashSet<>(Thread.getAllStackTraces().keySet());
    left.removeAll(before);
    left.removeIf(thread -> !thread.getName().startsWith("pulmo-engine"));
    assertEquals(Set.of(), left);
  }

  @Test
  void health_loaded_isServing() {
    ManagedChannel channel = Channels.open(server.address(), 1 << 20);
    try {
      for (String service : List.of("", InferenceGrpc.SERVICE_NAME)) {
        assertEquals(
            ServingStatus.SERVING,
            HealthGrpc.newBlockingStub(channel)
                .check(HealthCheckRequest.newBuilder().setService(service).build())
                .getStatus());
      }
    } finally {
      Channels.close(channel);
    }
  }

  @Test
  void reflection_asked_listsTheInferenceService() throws Exception {
    ManagedChannel channel = Channels.open(server.address(), 1 << 20);
    CompletableFuture<ServerReflectionResponse> listed = new CompletableFuture<>();
    try {
      StreamObserver<ServerReflectionRequest> ask =
          ServerReflectionGrpc.newStub(channel)
              .serverReflectionInfo(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(ServerReflectionResponse response) {
                      listed.complete(response);
                    }

                    @Override
                    public void onError(Throwable thrown) {
                      listed.completeExceptionally(thrown);
                    }

                    @Override
                    public void onCompleted() {}
                  });
      ask.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
      assertTrue(
          listed.get().getListServicesResponse().getServiceList().stream()
              .anyMatch(service -> service.getName().equals("pulmo.v1.Inference")));
      ask.onCompleted();
    } finally {
      Channels.close(channel);
    }
  }

  @Test
  void analyze_wrongFieldsOnTheWire_areInvalidArguments() {
    ManagedChannel channel = Channels.open(server.address(), 1 << 20);
    try {
      InferenceGrpc.InferenceBlockingStub stub = InferenceGrpc.newBlockingStub(channel);
      AnalyzeRequest precision = AnalyzeRequest.newBuilder().setPrecisionValue(77).build();
      AnalyzeRequest id = AnalyzeRequest.newBuilder().setCorrelationId("x".repeat(257)).build();
      for (AnalyzeRequest wrong : List.of(precision, id)) {
        StatusRuntimeException thrown =
            assertThrows(StatusRuntimeException.class, () -> stub.analyze(wrong));
        assertEquals(
            io.grpc.Status.Code.INVALID_ARGUMENT, thrown.getStatus().getCode(), thrown.toString());
      }
    } finally {
      Channels.close(channel);
    }
  }
}
