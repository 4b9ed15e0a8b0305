package io.pulmo.serving.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.image.ImageDecoder;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.serving.GatedJudge;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.engine.RefusedException.Reason;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EngineTest {
  private static final int WAITING = 2;

  private final GatedJudge judge = new GatedJudge("chest");
  private final AtomicLong nowNanos = new AtomicLong();
  private final Engine engine = new Engine(List.of(judge), WAITING, 100, nowNanos::get);

  @AfterEach
  void stop() {
    judge.go.release(1000);
    engine.close();
  }

  private static Study study(int value) {
    return new Study(new byte[] {(byte) value}, Optional.empty(), "", Long.MAX_VALUE);
  }

  /** Occupies all threads: one infers and one decodes. */
  private List<CompletableFuture<Judgement>> occupy() {
    var occupying = List.of(engine.submit(study(1)), engine.submit(study(1)));
    judge.entered.acquireUninterruptibly(2);
    return occupying;
  }

  private static void await(List<CompletableFuture<Judgement>> answers) throws Exception {
    for (CompletableFuture<Judgement> answer : answers) {
      answer.get();
    }
  }

  private static Reason reason(CompletableFuture<Judgement> answer) {
    ExecutionException thrown = assertThrows(ExecutionException.class, answer::get);
    return assertInstanceOf(RefusedException.class, thrown.getCause()).reason();
  }

  private static String message(CompletableFuture<Judgement> answer) {
    ExecutionException thrown = assertThrows(ExecutionException.class, answer::get);
    Throwable cause = thrown.getCause();
    return cause == null ? "" : String.valueOf(cause.getMessage());
  }

  @Test
  void submit_study_isJudged() throws Exception {
    judge.go.release();
    Judgement judgement = engine.submit(study(42)).get();
    assertEquals(0.42f, judgement.findings().of(Finding.HERNIA));
    assertEquals("chest", judgement.model().name());
    assertEquals(Mode.FP32, judgement.mode());
  }

  @Test
  void submit_queueFull_isRefusedAtOnceAndTakenAgainLater() throws Exception {
    var unused = occupy();
    CompletableFuture<Judgement> first = engine.submit(study(3));
    CompletableFuture<Judgement> second = engine.submit(study(4));
    CompletableFuture<Judgement> refused = engine.submit(study(5));
    assertEquals(Reason.OVERLOADED, reason(refused));
    assertTrue(message(refused).contains("try again later"));
    judge.go.release(5);
    assertEquals(0.03f, first.get().findings().of(Finding.MASS));
    assertEquals(0.04f, second.get().findings().of(Finding.MASS));
    assertEquals(0.06f, engine.submit(study(6)).get().findings().of(Finding.MASS));
  }

  @Test
  void submit_tooManyBytesWaiting_isRefused() {
    var unused = occupy();
    Study large = new Study(new byte[60], Optional.empty(), "", Long.MAX_VALUE);
    CompletableFuture<Judgement> first = engine.submit(large);
    assertEquals(Reason.OVERLOADED, reason(engine.submit(large)));
    assertTrue(first.cancel(false));
    // A cancelled study gives its room back.
    assertTrue(!engine.submit(large).isDone());
  }

  @Test
  void submit_deadlineOverInTheQueue_isNotComputed() throws Exception {
    List<CompletableFuture<Judgement>> occupying = occupy();
    CompletableFuture<Judgement> late =
        engine.submit(new Study(new byte[] {9}, Optional.empty(), "", 1000));
    CompletableFuture<Judgement> inTime =
        engine.submit(new Study(new byte[] {8}, Optional.empty(), "", 1001));
    nowNanos.set(1000);
    judge.go.release(3);
    assertEquals(Reason.EXPIRED, reason(late));
    assertEquals(0.08f, inTime.get().findings().of(Finding.EDEMA));
    await(occupying);
    assertEquals(3, judge.judged.get());
  }

  @Test
  void cancel_queuedStudy_isNotComputed() throws Exception {
    List<CompletableFuture<Judgement>> occupying = occupy();
    CompletableFuture<Judgement> cancelled = engine.submit(study(9));
    assertTrue(cancelled.cancel(false));
    CompletableFuture<Judgement> other = engine.submit(study(7));
    judge.go.release(3);
    other.get();
    await(occupying);
    assertEquals(3, judge.judged.get());
  }

  @Test
  void submit_notAnImage_tellsTheDecodersWords() {
    CompletableFuture<Judgement> answer =
        engine.submit(new Study(new byte[0], Optional.empty(), "", Long.MAX_VALUE));
    assertEquals(Reason.UNREADABLE_IMAGE, reason(answer));
    UnreadableImageException decoder =
        assertThrows(UnreadableImageException.class, () -> ImageDecoder.decode(new byte[0]));
    assertEquals(decoder.getMessage(), message(answer));
  }

  @Test
  void submit_unknownModel_listsThoseThere() {
    CompletableFuture<Judgement> answer =
        engine.submit(new Study(new byte[1], Optional.empty(), "hand", Long.MAX_VALUE));
    assertEquals(Reason.NO_SUCH_MODEL, reason(answer));
    assertTrue(message(answer).contains("'hand'") && message(answer).contains("chest"));
  }

  @Test
  void submit_noModelNamedOfSeveral_isRefused() {
    try (Engine two =
        new Engine(List.of(judge, new GatedJudge("hand")), WAITING, 100, nowNanos::get)) {
      CompletableFuture<Judgement> answer = two.submit(study(1));
      assertEquals(Reason.NO_SUCH_MODEL, reason(answer));
      assertTrue(message(answer).contains("chest, hand"));
    }
  }

  @Test
  void submit_modeNotOffered_tellsWhy() {
    CompletableFuture<Judgement> answer =
        engine.submit(new Study(new byte[1], Optional.of(Mode.TORCH), "chest", Long.MAX_VALUE));
    assertEquals(Reason.MODE_NOT_OFFERED, reason(answer));
    assertTrue(message(answer).contains("libtorch is not installed"));
  }

  @Test
  void close_studiesQueued_refusesThemAndFinishesTheOthers() throws Exception {
    CompletableFuture<Judgement> running = engine.submit(study(5));
    judge.entered.acquireUninterruptibly();
    var unused = engine.submit(study(5));
    judge.entered.acquireUninterruptibly();
    CompletableFuture<Judgement> queued = engine.submit(study(6));
    Thread closer = new Thread(engine::close, "closer");
    closer.start();
    assertEquals(Reason.STOPPING, reason(queued));
    judge.go.release(2);
    closer.join();
    assertArrayEquals(new float[] {0.05f}, new float[] {running.get().findings().of(Finding.MASS)});
    assertEquals(Reason.STOPPING, reason(engine.submit(study(7))));
  }
}
