package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SlowWorkerTest {
  private static final double CLOSE = 1e-9;

  private final Path directory;

  SlowWorkerTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** Steps every 100 ms from 200 ms on; worker 2 is slowed from 2000 to 5000 ms. */
  private static ClusterLines slowed() {
    return new ClusterLines(ClusterEvent.FAILOVER)
        .job(100)
        .view(100, 1, 1, 0, 0, 1, 2)
        .steps(200, 1, 1, 18, 1, 2)
        .phase(1999, "slow_worker", true)
        .did(2000, "slow", "worker-2", 2)
        .steps(2050, 1, 19, 24, 1, 2);
  }

  private static ClusterLines over(ClusterLines lines) {
    return lines
        .steps(2650, 1, 25, 60, 1, 2)
        .phase(6200, "slow_worker", false)
        .did(6200, "free", "worker-2", 2);
  }

  private FailoverFigures figures(ClusterLines lines) throws IOException {
    return FailoverVerifier.figures(lines.write(directory));
  }

  @Test
  void figures_namedByTheLeader_countTheStepsUntilThen() throws Exception {
    FailoverFigures figures = figures(over(slowed().slow(2600, "m2", "compute")));
    assertTrue(figures.clean(), figures.text());
    SlowWorker slow = figures.slow().orElseThrow();
    assertEquals(OptionalLong.of(6), slow.namedAfterSteps());
    assertEquals("compute", slow.cause());
    assertEquals(0.5, slow.shareBefore(), CLOSE);
    assertEquals(0.5, slow.shareAfter(), CLOSE);
    // Ten samples in three steps of 100 ms; each of the two does a sample in 10 ms.
    assertEquals(33.3, slow.rate(), 1.5);
    assertEquals(33.3, slow.rateBefore(), 1.5);
    assertEquals(200, slow.ableTo(), CLOSE);
    assertEquals(slow.rate() / 200, slow.ofAbleTo(), CLOSE);
  }

  @Test
  void figures_anotherNamed_orTooEarly_isAFinding() throws Exception {
    FailoverFigures figures =
        figures(over(slowed().slow(2600, "m1", "compute").slow(2600, "m2", "")));
    assertFalse(figures.clean());
    assertTrue(figures.text().contains("was never named"), figures.text());
    assertEquals(0, figures.falseEvictions());
  }

  @Test
  void figures_leavingTheSlowedOut_isAFalseEviction() throws Exception {
    FailoverFigures figures =
        figures(
            slowed()
                .view(2700, 1, 2, 1, 24, 1, 3)
                .steps(2800, 2, 25, 60, 1, 3)
                .phase(6200, "slow_worker", false)
                .did(6200, "free", "worker-2", 2));
    assertEquals(1, figures.falseEvictions());
  }

  @Test
  void figures_ofATimeInWhichNobodyWasSlowed_areRefused() {
    ClusterLines lines =
        new ClusterLines(ClusterEvent.FAILOVER)
            .job(100)
            .view(100, 1, 1, 0, 0, 1, 2)
            .steps(200, 1, 1, 18, 1, 2)
            .phase(500, "slow_worker", true)
            .phase(900, "slow_worker", false);
    CommandFailure refused = Assertions.assertThrows(CommandFailure.class, () -> figures(lines));
    assertTrue(refused.toString().contains("no worker that was slowed"), refused.toString());
  }
}
