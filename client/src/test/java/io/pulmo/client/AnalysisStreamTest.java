package io.pulmo.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.client.PulmoException.Kind;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AnalysisStreamTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  private FakeInference server;
  private PulmoClient client;
  private final Heard heard = new Heard();

  private static final class Heard implements AnalysisListener {
    final Map<String, Float> hernia = new ConcurrentHashMap<>();
    final Map<String, Kind> failed = new ConcurrentHashMap<>();
    final AtomicInteger calls = new AtomicInteger();
    final CountDownLatch firstFailure = new CountDownLatch(1);

    @Override
    public void onAnalysis(String id, Analysis analysis) {
      calls.incrementAndGet();
      hernia.put(id, analysis.probability("Hernia"));
    }

    @Override
    public void onFailure(String id, PulmoException failure) {
      calls.incrementAndGet();
      failed.put(id, failure.kind());
      firstFailure.countDown();
    }
  }

  @BeforeEach
  void start() {
    server = new FakeInference();
    client = PulmoClient.builder().target(server.target()).maxInFlight(4).build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void send_manyWithBrokenOnes_eachAnsweredOnce() {
    try (AnalysisStream stream = client.stream(heard)) {
      for (int i = 0; i < 500; i++) {
        stream.send("n" + i, FakeInference.image(i % 50 == 0 ? "fail 3" : "value " + i % 100));
      }
      assertTrue(stream.awaitCompletion(LONG));
    }
    assertEquals(500, heard.calls.get());
    assertEquals(490, heard.hernia.size());
    assertEquals(10, heard.failed.size());
    assertEquals(0.33f, heard.hernia.get("n133"));
    assertEquals(Kind.INVALID_ARGUMENT, heard.failed.get("n50"));
  }

  @Test
  void send_placesTaken_waitsForAnAnswer() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch atGate = new CountDownLatch(1);
    Heard slow = heard;
    AnalysisListener gated =
        new AnalysisListener() {
          @Override
          public void onAnalysis(String id, Analysis analysis) {
            atGate.countDown();
            try {
              go.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            slow.onAnalysis(id, analysis);
          }

          @Override
          public void onFailure(String id, PulmoException failure) {
            slow.onFailure(id, failure);
          }
        };
    try (AnalysisStream stream = client.stream(gated)) {
      for (int i = 0; i < 4; i++) {
        stream.send("n" + i, FakeInference.image("value 1"));
      }
      atGate.await();
      Thread fifth =
          new Thread(() -> stream.send("n4", FakeInference.image("value 1")), "fifth sender");
      fifth.start();
      while (fifth.getState() != Thread.State.WAITING) {
        assertTrue(fifth.isAlive(), "the fifth request was not held back");
        Thread.onSpinWait();
      }
      assertEquals(0, heard.calls.get());
      go.countDown();
      fifth.join();
      assertTrue(stream.awaitCompletion(LONG));
    }
    assertEquals(5, heard.hernia.size());
  }

  @Test
  void send_idUnanswered_isRefusedAndNotSent() throws Exception {
    AnalysisStream stream = client.stream(heard);
    stream.send("same", FakeInference.image("hold"));
    server.received.take();
    assertThrows(
        IllegalArgumentException.class, () -> stream.send("same", FakeInference.image("value 1")));
    stream.send("other", FakeInference.image("value 1"));
    assertEquals("other", server.received.take().getCorrelationId());
  }

  @Test
  void send_idTooLongOrEmpty_isRefused() {
    AnalysisStream stream = client.stream(heard);
    byte[] image = FakeInference.image("value 1");
    assertThrows(IllegalArgumentException.class, () -> stream.send("", image));
    assertThrows(IllegalArgumentException.class, () -> stream.send("ü".repeat(129), image));
    stream.send("ü".repeat(128), image);
    assertTrue(stream.awaitCompletion(LONG));
  }

  @Test
  void send_noAnswer_failsAloneAtItsDeadline() throws Exception {
    Options soon = Options.defaults().withDeadline(Duration.ofSeconds(1));
    AnalysisStream stream = client.stream(soon, heard);
    stream.send("held", FakeInference.image("hold"));
    heard.firstFailure.await();
    assertEquals(Map.of("held", Kind.DEADLINE), heard.failed);
    stream.send("next", FakeInference.image("value 10"));
    assertTrue(stream.awaitCompletion(LONG));
    assertEquals(Map.of("next", 0.1f), heard.hernia);
  }

  @Test
  void stream_serverBreaksOff_failsTheUnansweredAndLaterOnes() {
    AnalysisStream stream = client.stream(heard);
    stream.send("held", FakeInference.image("hold"));
    stream.send("last", FakeInference.image("break"));
    PulmoException thrown = assertThrows(PulmoException.class, () -> stream.awaitCompletion(LONG));
    assertEquals(Kind.UNAVAILABLE, thrown.kind());
    assertEquals("gone", thrown.getMessage());
    assertEquals(Map.of("held", Kind.UNAVAILABLE, "last", Kind.UNAVAILABLE), heard.failed);
    assertThrows(PulmoException.class, () -> stream.send("after", FakeInference.image("value 1")));
    assertNull(heard.failed.get("after"));
  }

  @Test
  void close_unanswered_cancelsOnTheServer() throws Exception {
    AnalysisStream stream = client.stream(heard);
    stream.send("held", FakeInference.image("forever"));
    server.received.take();
    Thread.currentThread().interrupt(); // so that close gives up its patience at once
    stream.close();
    assertTrue(Thread.interrupted());
    assertTrue(server.cancelled.await(30, TimeUnit.SECONDS));
    heard.firstFailure.await();
    assertEquals(Map.of("held", Kind.CANCELLED), heard.failed);
  }

  @Test
  void send_afterCompletion_isRefused() {
    AnalysisStream stream = client.stream(heard);
    assertTrue(stream.awaitCompletion(LONG));
    assertThrows(
        IllegalStateException.class, () -> stream.send("a", FakeInference.image("value 1")));
  }

  @Test
  void listener_throws_breaksTheStream() {
    AnalysisStream stream =
        client.stream(
            new AnalysisListener() {
              @Override
              public void onAnalysis(String id, Analysis analysis) {
                throw new IllegalStateException("the database is full");
              }

              @Override
              public void onFailure(String id, PulmoException failure) {
                heard.onFailure(id, failure);
              }
            });
    stream.send("a", FakeInference.image("value 1"));
    PulmoException thrown = assertThrows(PulmoException.class, () -> stream.awaitCompletion(LONG));
    assertEquals(Kind.INTERNAL, thrown.kind());
    assertTrue(String.valueOf(thrown.getMessage()).contains("the database is full"));
    assertFalse(heard.failed.containsKey("a"));
  }

  @Test
  void listener_throwsAnError_breaksTheStreamToo() {
    AnalysisStream stream =
        client.stream(
            new AnalysisListener() {
              @Override
              public void onAnalysis(String id, Analysis analysis) {
                throw new AssertionError("expected another finding");
              }

              @Override
              public void onFailure(String id, PulmoException failure) {}
            });
    stream.send("a", FakeInference.image("value 1"));
    PulmoException thrown = assertThrows(PulmoException.class, () -> stream.awaitCompletion(LONG));
    assertTrue(String.valueOf(thrown.getMessage()).contains("expected another finding"));
  }

  @Test
  void clientClosed_streamOpen_failsWhatIsUnansweredAndLaterOnesAsCancelled() throws Exception {
    AnalysisStream stream = client.stream(heard);
    stream.send("held", FakeInference.image("forever"));
    server.received.take();
    client.close();
    PulmoException later =
        assertThrows(PulmoException.class, () -> stream.send("b", FakeInference.image("value 1")));
    assertEquals(Kind.CANCELLED, later.kind());
    heard.firstFailure.await();
    assertEquals(Map.of("held", Kind.CANCELLED), heard.failed);
  }
}
