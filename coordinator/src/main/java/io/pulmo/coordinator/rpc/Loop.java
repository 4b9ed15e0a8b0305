package io.pulmo.coordinator.rpc;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one thread that owns members and jobs, and the bounded line of what it has to do. */
final class Loop implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Loop.class);
  private static final int LONGEST_LINE = 2_048;

  private final Consumer<Throwable> failed;
  private final Runnable before;
  private final AtomicInteger waiting = new AtomicInteger();
  private final ScheduledThreadPoolExecutor executor =
      new ScheduledThreadPoolExecutor(
          1, Thread.ofPlatform().daemon().name("pulmo-coordinator").factory());

  /**
   * An empty line.
   *
   * @param failed told, on the loop's thread, what a task threw
   * @param before run before each task
   */
  Loop(Consumer<Throwable> failed, Runnable before) {
    this.failed = failed;
    this.before = before;
  }

  /** Has a task done after those before it; false if the line is too long or closed. */
  boolean post(Runnable task) {
    if (waiting.incrementAndGet() > LONGEST_LINE) {
      waiting.decrementAndGet();
      return false;
    }
    return execute(
        () -> {
          waiting.decrementAndGet();
          task.run();
        });
  }

  /** Has a task done however long the line is: for the few that no stranger can multiply. */
  boolean postAlways(Runnable task) {
    return execute(task);
  }

  /** Repeats a task from now on. */
  void every(long millis, Runnable task) {
    var unused =
        executor.scheduleWithFixedDelay(() -> guarded(task), millis, millis, TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    executor.shutdown();
    try {
      if (!executor.awaitTermination(3, TimeUnit.SECONDS)) {
        executor.shutdownNow();
      }
    } catch (InterruptedException e) {
      executor.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private boolean execute(Runnable task) {
    try {
      executor.execute(() -> guarded(task));
      return true;
    } catch (RejectedExecutionException e) {
      log.debug("closed already", e);
      return false;
    }
  }

  private void guarded(Runnable task) {
    attempt(before);
    attempt(task);
  }

  private void attempt(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      // An executor would keep it to itself, and never run a repeated task again.
      failed.accept(e);
    }
  }
}
