package io.pulmo.worker.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.pulmo.proto.EpochReport;
import io.pulmo.proto.Progress;
import io.pulmo.proto.WorkerMessage;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class OutboxTest {
  private final AtomicLong nanos = new AtomicLong();
  private final Outbox outbox = new Outbox(nanos::get);

  @Test
  void next_progressAfterProgress_givesTheNewestAtMostFiveTimesASecond() throws Exception {
    outbox.progress(progress(1));
    outbox.progress(progress(2));
    assertEquals(progress(2), outbox.next(0));
    outbox.progress(progress(3));
    assertNull(outbox.next(0));
    nanos.addAndGet(199_999_999);
    assertNull(outbox.next(0));
    nanos.addAndGet(1);
    assertEquals(progress(3), outbox.next(0));
    assertNull(outbox.next(0));
  }

  @Test
  void add_afterProgress_comesBehindIt() throws Exception {
    outbox.progress(progress(1));
    assertEquals(progress(1), outbox.next(0));
    outbox.progress(progress(2));
    outbox.add(epoch(0));
    assertEquals(progress(2), outbox.next(0));
    assertEquals(epoch(0), outbox.next(0));
  }

  @Test
  void add_fullLine_waitsForRoom() throws Exception {
    for (int i = 0; i < 64; i++) {
      outbox.add(epoch(i));
    }
    outbox.offer(epoch(1000));
    Thread adding =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    outbox.add(epoch(64));
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    while (adding.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    for (int i = 0; i <= 64; i++) {
      if (i == 64) {
        adding.join();
      }
      assertEquals(epoch(i), outbox.next(0));
    }
    assertNull(outbox.next(0));
  }

  @Test
  void clear_forgetsAllThatWaits() throws Exception {
    outbox.add(epoch(0));
    outbox.progress(progress(1));
    outbox.clear();
    nanos.addAndGet(1_000_000_000);
    assertNull(outbox.next(0));
  }

  private static WorkerMessage progress(long step) {
    return WorkerMessage.newBuilder().setProgress(Progress.newBuilder().setStep(step)).build();
  }

  private static WorkerMessage epoch(int epoch) {
    return WorkerMessage.newBuilder().setEpoch(EpochReport.newBuilder().setEpoch(epoch)).build();
  }
}
