package io.pulmo.worker.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.proto.EpochReport;
import io.pulmo.proto.StateLabel;
import io.pulmo.proto.StepReport;
import io.pulmo.proto.WorkerMessage;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class OutboxTest {
  private final AtomicLong nanos = new AtomicLong();
  private final Outbox outbox = new Outbox(nanos::get);

  @BeforeEach
  void open() {
    outbox.open();
  }

  @Test
  void next_progressAfterProgress_givesTheNewestAtMostTwentyTimesASecond() throws Exception {
    outbox.progress(progress(1));
    outbox.progress(progress(2));
    assertEquals(progress(2), outbox.next(0));
    outbox.progress(progress(3));
    assertNull(outbox.next(0));
    nanos.addAndGet(49_999_999);
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
  void add_moreThanTheLineTakes_overflowsAndForgetsNothingBefore() throws Exception {
    for (int i = 0; i < 512; i++) {
      outbox.add(epoch(i));
    }
    assertFalse(outbox.hasOverflowed());
    outbox.add(epoch(512));
    assertTrue(outbox.hasOverflowed());
    for (int i = 0; i < 512; i++) {
      assertEquals(epoch(i), outbox.next(0));
    }
    assertNull(outbox.next(0));
  }

  @Test
  void close_forgetsAllThatWaitsAndWhatComesUntilOpened() throws Exception {
    outbox.add(epoch(0));
    outbox.progress(progress(1));
    outbox.close();
    outbox.add(epoch(1));
    outbox.progress(progress(2));
    nanos.addAndGet(1_000_000_000);
    assertNull(outbox.next(0));
    outbox.open();
    outbox.add(epoch(2));
    assertEquals(epoch(2), outbox.next(0));
  }

  private static WorkerMessage progress(long step) {
    return WorkerMessage.newBuilder()
        .setStepped(StepReport.newBuilder().setLabel(StateLabel.newBuilder().setStep(step)))
        .build();
  }

  private static WorkerMessage epoch(int epoch) {
    return WorkerMessage.newBuilder().setEpoch(EpochReport.newBuilder().setEpoch(epoch)).build();
  }
}
