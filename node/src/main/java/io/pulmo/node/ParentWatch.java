package io.pulmo.node;

import java.io.IOException;
import java.io.InputStream;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a child process with its parent: a parent holds its child's standard input, which sees
 * its end when the parent is gone, however that died.
 */
public final class ParentWatch {
  /** What the child exits with. */
  public static final int EXIT_CODE = 1;

  private static final Logger log = LoggerFactory.getLogger(ParentWatch.class);
  private static final long LAST_MILLIS = 2_000;

  private ParentWatch() {}

  /**
   * Reads standard input from now on and halts this process at its end. Only for a process that was
   * told that its parent holds its standard input.
   *
   * @param lastAct run first, for at most two seconds
   */
  public static void start(Runnable lastAct) {
    start(System.in, lastAct, Runtime.getRuntime()::halt);
  }

  static Thread start(InputStream in, Runnable lastAct, IntConsumer halt) {
    return Thread.ofPlatform()
        .daemon()
        .name("pulmo-parent-watch")
        .start(
            () -> {
              awaitEnd(in);
              log.info("the parent process is gone: so is this one");
              Thread last = Thread.ofPlatform().daemon().name("pulmo-last-act").start(lastAct);
              try {
                last.join(LAST_MILLIS);
              } catch (InterruptedException e) {
                log.debug("interrupted in the last act", e);
              }
              halt.accept(EXIT_CODE);
            });
  }

  private static void awaitEnd(InputStream in) {
    byte[] ignored = new byte[256];
    try {
      while (in.read(ignored) >= 0) {
        // What a parent writes means nothing here.
      }
    } catch (IOException e) {
      log.debug("standard input is gone", e);
    }
  }
}
