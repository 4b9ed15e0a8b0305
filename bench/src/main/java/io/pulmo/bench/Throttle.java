package io.pulmo.bench;

import java.io.IOException;

/**
 * Gives a process a quarter of the time that it would take: it is stopped and continued fifty times
 * a second, as cpulimit does, which needs no right that a user does not have.
 */
final class Throttle implements AutoCloseable {
  private static final int STOPPED_MILLIS = 15;
  private static final int RUNNING_MILLIS = 5;

  private final ChildJvm child;
  private final Thread thread;

  private Throttle(ChildJvm child) {
    this.child = child;
    this.thread = Thread.ofPlatform().daemon().name("throttle of " + child.name()).start(this::run);
  }

  /** Begins. */
  static Throttle of(ChildJvm child) {
    return new Throttle(child);
  }

  private void run() {
    try {
      while (true) {
        child.signal(Signals.Signal.STOP);
        Thread.sleep(STOPPED_MILLIS);
        child.signal(Signals.Signal.CONT);
        Thread.sleep(RUNNING_MILLIS);
      }
    } catch (IOException ended) {
      // The process has; the verifier sees that.
    } catch (InterruptedException over) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends; the process runs on. */
  @Override
  public void close() throws IOException {
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    child.signal(Signals.Signal.CONT);
  }
}
