package io.pulmo.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.client.PulmoException.Kind;
import java.io.RandomAccessFile;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PulmoClientTest {
  private FakeInference server;
  private PulmoClient client;

  @BeforeEach
  void start() {
    server = new FakeInference();
    client = PulmoClient.builder().target(server.target()).build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private static Kind kindOf(ExecutionException thrown) {
    return assertInstanceOf(PulmoException.class, thrown.getCause()).kind();
  }

  @Test
  void analyze_image_namesFindingsModelAndPrecision() {
    Analysis analysis = client.analyze(FakeInference.image("value 25"));
    assertEquals(Analysis.LABELS, List.copyOf(analysis.probabilities().keySet()));
    assertEquals(0.25f, analysis.probability("Hernia"));
    assertEquals("chest", analysis.modelName());
    assertEquals(3, analysis.modelVersion());
    assertEquals("ab12", analysis.modelDigest());
    assertEquals(Precision.FP32, analysis.precision());
    assertEquals(Optional.empty(), analysis.weightRange());
  }

  @Test
  void analyze_int8_namesTheRangeOfItsWeights() {
    Analysis analysis =
        client.analyze(
            FakeInference.image("value 25"), Options.defaults().withPrecision(Precision.INT8));
    assertEquals(Precision.INT8, analysis.precision());
    assertEquals(Optional.of(WeightRange.HALF), analysis.weightRange());
    assertEquals("half-range", analysis.weightRange().orElseThrow().label());
  }

  @Test
  void analyze_fileAndOptions_sendsThem(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("a.png"), FakeInference.image("value 7"));
    Options options = Options.defaults().withPrecision(Precision.TORCH).withModel("chest");
    assertEquals(Precision.TORCH, client.analyze(file, options).precision());
    assertEquals("chest", server.received.take().getModel());
  }

  @ParameterizedTest
  @CsvSource({
    "3, INVALID_ARGUMENT, false",
    "5, NOT_FOUND, false",
    "9, NOT_OFFERED, false",
    "14, UNAVAILABLE, true",
    "8, OVERLOADED, true",
    "4, DEADLINE, false",
    "13, INTERNAL, false"
  })
  void analyze_serverRefuses_tellsKindAndMessage(int code, Kind kind, boolean retryable) {
    PulmoException failure =
        assertThrows(
            PulmoException.class, () -> client.analyze(FakeInference.image("fail " + code)));
    assertEquals(kind, failure.kind());
    assertEquals("because of fail " + code, failure.getMessage());
    assertEquals(retryable, failure.isRetryable());
  }

  @Test
  void analyze_noAnswer_failsAtTheDeadline() {
    Options soon = Options.defaults().withDeadline(Duration.ofMillis(50));
    PulmoException failure =
        assertThrows(PulmoException.class, () -> client.analyze(FakeInference.image("hold"), soon));
    assertEquals(Kind.DEADLINE, failure.kind());
  }

  @Test
  void analyzeAsync_cancelled_cancelsOnTheServer() throws Exception {
    CompletableFuture<Analysis> answer = client.analyzeAsync(FakeInference.image("hold"));
    server.received.take();
    assertTrue(answer.cancel(true));
    assertTrue(server.cancelled.await(30, TimeUnit.SECONDS));
  }

  @Test
  void analyzeAsync_manyAtOnce_allAnswered() throws Exception {
    List<CompletableFuture<Analysis>> answers = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      answers.add(client.analyzeAsync(FakeInference.image("value " + i % 100)));
    }
    for (int i = 0; i < 200; i++) {
      assertEquals(i % 100 / 100f, answers.get(i).get().probability("Mass"));
    }
  }

  @Test
  void analyzeAsync_allPlacesTaken_waitsAtMostForTheDeadline() throws Exception {
    try (PulmoClient narrow =
        PulmoClient.builder().target(server.target()).maxInFlight(1).build()) {
      CompletableFuture<Analysis> first = narrow.analyzeAsync(FakeInference.image("hold"));
      CompletableFuture<Analysis> second =
          narrow.analyzeAsync(
              FakeInference.image("value 1"),
              Options.defaults().withDeadline(Duration.ofMillis(50)));
      ExecutionException thrown = assertThrows(ExecutionException.class, second::get);
      assertEquals(Kind.DEADLINE, kindOf(thrown));
      first.cancel(true);
      assertEquals(0.01f, narrow.analyze(FakeInference.image("value 1")).probability("Mass"));
    }
  }

  @Test
  void analyze_firstTargetGone_triesTheNext() {
    String gone;
    try (FakeInference stopped = new FakeInference()) {
      gone = stopped.target();
    }
    try (PulmoClient two = PulmoClient.builder().target(gone).target(server.target()).build()) {
      for (int i = 0; i < 4; i++) {
        assertEquals(0.5f, two.analyze(FakeInference.image("value 50")).probability("Edema"));
      }
    }
    try (PulmoClient none = PulmoClient.builder().target(gone).build()) {
      PulmoException failure =
          assertThrows(PulmoException.class, () -> none.analyze(FakeInference.image("value 50")));
      assertEquals(Kind.UNAVAILABLE, failure.kind());
      String message = String.valueOf(failure.getMessage());
      assertTrue(message.contains("Connection refused") && message.contains(gone), message);
    }
  }

  @Test
  void analyze_fileOfMoreThanAMessage_isRefusedUnread(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("large.png");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      // More than an array holds: reading it could only fail.
      sparse.setLength(3L << 30);
    }
    IllegalArgumentException thrown =
        assertThrows(IllegalArgumentException.class, () -> client.analyze(file));
    assertTrue(String.valueOf(thrown.getMessage()).contains("3221225472"), thrown.getMessage());
  }

  @Test
  void models_served_areListed() {
    assertEquals(
        List.of(new ServedModel("chest", 3, "ab12", Analysis.LABELS, Set.of(Precision.FP32))),
        client.models());
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", ":80", "host:0", "host:65536", "::1:80", "host:x", ""})
  void target_notHostAndPort_isRefused(String target) {
    IllegalArgumentException thrown =
        assertThrows(IllegalArgumentException.class, () -> PulmoClient.builder().target(target));
    assertTrue(String.valueOf(thrown.getMessage()).contains("expected HOST:PORT"));
  }

  @Test
  void build_noTarget_saysWhatToDo() {
    assertThrows(IllegalStateException.class, () -> PulmoClient.builder().build());
  }

  @Test
  void close_callsUnanswered_failsThem() {
    CompletableFuture<Analysis> answer = client.analyzeAsync(FakeInference.image("hold"));
    client.close();
    ExecutionException thrown = assertThrows(ExecutionException.class, answer::get);
    assertEquals(Kind.CANCELLED, kindOf(thrown));
    PulmoException later =
        assertThrows(PulmoException.class, () -> client.analyze(FakeInference.image("value 1")));
    assertEquals(Kind.CANCELLED, later.kind());
  }

  @Test
  void publicApi_everyType_showsNothingOfTheTransport() {
    List<Class<?>> all =
        List.of(
            PulmoClient.class,
            PulmoClient.Builder.class,
            Options.class,
            Precision.class,
            Analysis.class,
            ServedModel.class,
            AnalysisStream.class,
            AnalysisListener.class,
            PulmoException.class,
            PulmoException.Kind.class);
    for (Class<?> type : all) {
      List<Executable> members = new ArrayList<>();
      for (Constructor<?> constructor : type.getDeclaredConstructors()) {
        members.add(constructor);
      }
      for (Method method : type.getDeclaredMethods()) {
        members.add(method);
      }
      for (Executable member : members) {
        if (Modifier.isPublic(member.getModifiers())) {
          List<Type> shown = new ArrayList<>(List.of(member.getGenericParameterTypes()));
          shown.add(member.getAnnotatedReturnType().getType());
          for (Type one : shown) {
            assertFalse(
                one.getTypeName().matches(".*(io\\.grpc|com\\.google|io\\.pulmo\\.proto).*"),
                member + " shows " + one.getTypeName());
          }
        }
      }
    }
  }
}
