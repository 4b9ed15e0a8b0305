package io.pulmo.coordinator.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoopTest {
  @Test
  void tasks_comeAfterTheLookThatEachNeeds_evenIfThatFails() throws Exception {
    List<String> seen = new ArrayList<>();
    AtomicInteger looks = new AtomicInteger();
    CountDownLatch done = new CountDownLatch(2);
    try (Loop loop =
        new Loop(
            failure -> seen.add("failed: " + failure.getMessage()),
            () -> {
              if (looks.incrementAndGet() == 2) {
                throw new IllegalStateException("the epoch is over");
              }
              seen.add("look");
            })) {
      for (String name : List.of("one", "two")) {
        assertTrue(
            loop.post(
                () -> {
                  seen.add(name);
                  done.countDown();
                }));
      }
      assertTrue(done.await(10, TimeUnit.SECONDS));
    }
    assertEquals(List.of("look", "one", "failed: the epoch is over", "two"), seen);
  }

  @Test
  void line_isBounded_butForTheFew() throws Exception {
    CountDownLatch free = new CountDownLatch(1);
    CountDownLatch few = new CountDownLatch(1);
    try (Loop loop = new Loop(failure -> {}, () -> {})) {
      assertTrue(loop.post(() -> await(free)));
      int posted = 0;
      while (posted < 10_000 && loop.post(() -> {})) {
        posted++;
      }
      assertTrue(posted < 10_000, posted + " tasks in line");
      assertTrue(loop.postAlways(few::countDown));
      free.countDown();
      assertTrue(few.await(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void closedLoop_takesNothing() {
    Loop loop = new Loop(failure -> {}, () -> {});
    loop.close();
    assertFalse(loop.post(() -> {}));
    assertFalse(loop.postAlways(() -> {}));
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
