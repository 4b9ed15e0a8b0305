package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** Lifetimes, on native objects that are only names. */
class HandleTest {
  private final List<String> freed = new ArrayList<>();

  @Test
  void close_parentFirst_freesItAfterTheChild() {
    Handle parent = handle("Parent");
    Handle child = handle("Child", parent);
    parent.close();
    parent.close();
    assertEquals(List.of(), freed);
    assertEquals(
        "this Parent is closed",
        assertThrows(IllegalStateException.class, parent::acquire).getMessage());
    child.close();
    child.close();
    assertEquals(List.of("Child", "Parent"), freed);
  }

  @Test
  void close_duringACall_freesWhenItReturns() {
    Handle handle = handle("Thing");
    handle.run(
        pointer -> {
          handle.close();
          assertEquals(List.of(), freed);
          assertThrows(IllegalStateException.class, () -> handle.run(again -> {}));
        });
    assertEquals(List.of("Thing"), freed);
  }

  @Test
  void make_parentClosedButInUse_keepsIt() {
    Handle parent = handle("Parent");
    parent.acquire();
    parent.close();
    Handle child = handle("Child", parent);
    parent.release();
    assertEquals(List.of(), freed);
    child.close();
    assertEquals(List.of("Child", "Parent"), freed);
  }

  @Test
  void make_parentFreed_freesTheNewOneAndLetsTheOthersGo() {
    Handle first = handle("First");
    Handle gone = handle("Gone");
    gone.close();
    assertThrows(IllegalStateException.class, () -> handle("Child", first, gone));
    first.close();
    assertEquals(List.of("Gone", "Child", "First"), freed);
  }

  @Test
  void watch_ownerForgotten_isFreedAndReported() throws Exception {
    BlockingQueue<String> events = new LinkedBlockingQueue<>();
    Handler handler = collecting(events);
    Logger logger = Logger.getLogger("io.pulmo.openvino");
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);
    try {
      forget(events);
      String first = null;
      for (int i = 0; i < 100 && first == null; i++) {
        System.gc();
        first = events.poll(100, TimeUnit.MILLISECONDS);
      }
      assertTrue(first != null && first.contains("a Thing was never closed"), first);
      assertEquals("freed", events.poll(1, TimeUnit.MINUTES));
    } finally {
      logger.setUseParentHandlers(true);
      logger.removeHandler(handler);
    }
  }

  private static void forget(BlockingQueue<String> events) {
    Object owner = new Object();
    new Handle("Thing", MemorySegment.NULL, pointer -> events.add("freed")).watch(owner);
  }

  private static Handler collecting(BlockingQueue<String> events) {
    return new Handler() {
      @Override
      public void publish(LogRecord entry) {
        events.add(java.text.MessageFormat.format(entry.getMessage(), entry.getParameters()));
      }

      @Override
      public void flush() {}

      @Override
      public void close() {}
    };
  }

  private Handle handle(String name, Handle... needs) {
    return new Handle(name, MemorySegment.NULL, pointer -> freed.add(name), needs);
  }
}
