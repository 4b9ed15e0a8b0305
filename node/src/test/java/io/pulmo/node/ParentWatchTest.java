package io.pulmo.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ParentWatchTest {
  @Test
  void endOfInput_runsTheLastActAndHalts() throws Exception {
    CompletableFuture<Integer> halted = new CompletableFuture<>();
    CountDownLatch lastAct = new CountDownLatch(1);
    try (PipedInputStream in = new PipedInputStream()) {
      PipedOutputStream parent = new PipedOutputStream(in);
      Thread watch = ParentWatch.start(in, lastAct::countDown, halted::complete);
      assertTrue(watch.isDaemon());
      parent.write("words that mean nothing".getBytes(StandardCharsets.UTF_8));
      parent.flush();
      assertFalse(halted.isDone());
      parent.close();
      assertEquals(ParentWatch.EXIT_CODE, halted.get(10, TimeUnit.SECONDS));
      assertEquals(0, lastAct.getCount());
    }
  }

  @Test
  void lastAct_thatHangs_doesNotKeepTheProcess() throws Exception {
    CompletableFuture<Integer> halted = new CompletableFuture<>();
    CountDownLatch never = new CountDownLatch(1);
    ParentWatch.start(
        InputStream.nullInputStream(),
        () -> {
          try {
            never.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts", e);
          }
        },
        halted::complete);
    assertEquals(ParentWatch.EXIT_CODE, halted.get(10, TimeUnit.SECONDS));
    never.countDown();
  }

  /** A child that would run for ever. */
  public static final class Child {
    private Child() {}

    /** Watches its parent and waits. */
    public static void main(String[] args) throws InterruptedException {
      ParentWatch.start(() -> {});
      Thread.currentThread().join();
    }
  }

  @Test
  void child_whoseParentLetsGoOfItsInput_ends() throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      child.getOutputStream().close();
      assertTrue(child.waitFor(20, TimeUnit.SECONDS));
      assertEquals(ParentWatch.EXIT_CODE, child.exitValue());
    } finally {
      child.destroyForcibly();
    }
  }
}
