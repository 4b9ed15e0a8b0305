package io.pulmo.coordinator.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.pulmo.node.HostPort;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a blob counts as stored with others, by how the copies to them go. */
@Timeout(20)
class BlobSpreadTest {
  private static final HostPort B = new HostPort("b", 1);
  private static final HostPort C = new HostPort("c", 1);

  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private static Status spread(List<HostPort> up, BlobSpread.Copier copier) {
    return new BlobSpread("0".repeat(64), 8, () -> up, PATIENCE, copier).run();
  }

  @Test
  void blob_withNobodyElseUp_isStored() {
    assertEquals(Status.OK, spread(List.of(), (other, sha256, bytes) -> Status.INTERNAL));
  }

  @Test
  void blob_isGivenToAllThatAreUp() {
    Map<HostPort, Long> copies = new ConcurrentHashMap<>();
    Status end =
        spread(
            List.of(B, C),
            (other, sha256, bytes) -> {
              copies.put(other, bytes);
              return Status.OK;
            });
    assertEquals(Status.OK, end);
    assertEquals(Map.of(B, 8L, C, 8L), copies);
  }

  @Test
  void blob_withOneThatAnswersNothing_isStoredOnceTheOtherHoldsIt() {
    CountDownLatch never = new CountDownLatch(1);
    long start = System.nanoTime();
    Status end =
        spread(
            List.of(B, C),
            (other, sha256, bytes) -> {
              if (other.equals(B)) {
                await(never);
              }
              return Status.OK;
            });
    assertEquals(Status.OK, end);
    long millis = (System.nanoTime() - start) / 1_000_000;
    assertTrue(millis < BlobCopies.GRACE.toMillis() + 2_000, millis + " ms");
    never.countDown();
  }

  @Test
  void blob_thatTheOnlyOtherRefusesForWantOfRoom_isRefusedNamingIt() {
    Status end =
        spread(
            List.of(B),
            (other, sha256, bytes) -> Status.RESOURCE_EXHAUSTED.withDescription("no room for it"));
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, end.getCode());
    String words = String.valueOf(end.getDescription());
    assertTrue(words.contains("b:1 (RESOURCE_EXHAUSTED: no room for it)"), words);
    assertTrue(words.endsWith("mend or stop that one"), words);
  }

  @Test
  void blob_thatTheOnlyOtherDoesNotTake_isGivenUpNamingIt() {
    Status end =
        spread(
            List.of(B),
            (other, sha256, bytes) -> Status.UNAVAILABLE.withDescription("connection refused"));
    assertEquals(Status.Code.ABORTED, end.getCode());
    String words = String.valueOf(end.getDescription());
    assertTrue(words.contains("b:1 (UNAVAILABLE: connection refused)"), words);
  }

  @Test
  void blob_isTriedAgainWithOneThatWasBusy() {
    AtomicInteger calls = new AtomicInteger();
    Status end =
        spread(
            List.of(B),
            (other, sha256, bytes) -> calls.incrementAndGet() < 3 ? Status.UNAVAILABLE : Status.OK);
    assertEquals(Status.OK, end);
    assertEquals(3, calls.get());
  }

  @Test
  void blob_isStoredOnceTheOtherThatDidNotAnswerIsNoLongerUp() {
    AtomicReference<List<HostPort>> up = new AtomicReference<>(List.of(B));
    Status end =
        new BlobSpread(
                "0".repeat(64),
                8,
                up::get,
                PATIENCE,
                (other, sha256, bytes) -> {
                  up.set(List.of());
                  return Status.UNAVAILABLE;
                })
            .run();
    assertEquals(Status.OK, end);
  }

  @Test
  void blob_whoseHolderGoes_isNotStoredBeforeAnotherHoldsIt() {
    AtomicReference<List<HostPort>> up = new AtomicReference<>(List.of(B, C));
    AtomicInteger atC = new AtomicInteger();
    Status end =
        new BlobSpread(
                "0".repeat(64),
                8,
                up::get,
                PATIENCE,
                (other, sha256, bytes) -> {
                  if (other.equals(B)) {
                    up.set(List.of(C));
                    return Status.OK;
                  }
                  return atC.incrementAndGet() < 2 ? Status.UNAVAILABLE : Status.OK;
                })
            .run();
    assertEquals(Status.OK, end);
    assertEquals(2, atC.get());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
