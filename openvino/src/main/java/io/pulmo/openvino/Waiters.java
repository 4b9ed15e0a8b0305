package io.pulmo.openvino;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The platform threads that wait for the inferences of one compiled model.
 *
 * <p>As many as the device runs requests at once, so each request that runs has one: those behind
 * it in the queue are behind it in the device's queue as well. A request has one inference in
 * flight, so the queue is no longer than there are requests. Threads without work end.
 */
final class Waiters {
  private static final int IDLE_SECONDS = 5;

  private int limit = 1;
  private @Nullable ThreadPoolExecutor threads;
  private boolean ended;

  /** Says how many threads there may be, before the first is needed. */
  synchronized void limit(int threadCount) {
    limit = threadCount;
  }

  synchronized void execute(Runnable wait) {
    if (ended) {
      throw new IllegalStateException("this CompiledModel is freed");
    }
    if (threads == null) {
      threads =
          new ThreadPoolExecutor(
              limit,
              limit,
              IDLE_SECONDS,
              TimeUnit.SECONDS,
              new LinkedBlockingQueue<>(),
              Thread.ofPlatform().daemon().name("openvino-wait-", 0).factory());
      threads.allowCoreThreadTimeOut(true);
    }
    threads.execute(wait);
  }

  /** No more work; what there is goes on. */
  synchronized void end() {
    ended = true;
    if (threads != null) {
      threads.shutdown();
    }
  }
}
