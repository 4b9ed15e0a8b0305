package io.pulmo.cli;

import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.node.ParentWatch;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Option;

/** How long a server runs: until a signal, or until its parent process is gone. */
final class Lifetime {
  private static final Logger LOG = LoggerFactory.getLogger(Lifetime.class);
  private static final long CLOSE_PATIENCE_MILLIS = 5_000;

  @Option(names = "--exit-with-parent", hidden = true, description = "end when standard input ends")
  private boolean exitWithParent;

  /** Called first of all, so that a parent that dies while the server starts is noticed. */
  void begin() {
    if (exitWithParent) {
      ParentWatch.start(() -> {});
    }
  }

  /** Returns never: a signal ends the process, after the server was closed. */
  int serve(AutoCloseable server) throws InterruptedException {
    return serve(server, CLOSE_PATIENCE_MILLIS);
  }

  /** The same for a server that may take so long to close. */
  int serve(AutoCloseable server, long patienceMillis) throws InterruptedException {
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform().name("close").unstarted(() -> close(server, patienceMillis)));
    new CountDownLatch(1).await();
    return ExitCode.DONE;
  }

  private static void close(AutoCloseable server, long patienceMillis) {
    Thread closing =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  try {
                    server.close();
                  } catch (Exception e) {
                    LOG.warn("closing failed: {}", e.toString());
                  }
                });
    try {
      closing.join(patienceMillis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
