package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FailoverVerifierTest {
  private static final double CLOSE = 1e-9;

  private final Path directory;

  FailoverVerifierTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** Two workers enter view 1 at 100 ms and take four steps, the last committed at 510 ms. */
  private static ClusterLines begun() {
    return new ClusterLines(ClusterEvent.FAILOVER)
        .job(100)
        .view(100, 1, 1, 0, 0, 1, 2)
        .steps(200, 1, 1, 4, 1, 2);
  }

  /** A worker dies at 1000 ms, and a third one takes its place in view 2 at 1500 ms. */
  private static ClusterLines replaced(long continuesStep) {
    return begun()
        .did(1000, "kill", "worker-2", 2)
        .ended(1001, "worker-2", 2)
        .view(1500, 1, 2, 1, continuesStep, 1, 3);
  }

  private FailoverFigures figures(ClusterLines lines) throws IOException {
    return FailoverVerifier.figures(lines.write(directory));
  }

  @Test
  void figures_aWorkerKilled_takeTheNextCommittedStepWithoutIt() throws Exception {
    FailoverFigures figures = figures(replaced(4).steps(1600, 2, 5, 9, 1, 3));

    assertTrue(figures.clean(), figures.text());
    assertEquals(1, figures.workerKills());
    // The first step of the new view is complete when the later of the two reports it.
    assertArrayEquals(new double[] {0.61}, figures.workerRecoveries(), CLOSE);
    assertEquals(9, figures.steps());
    assertEquals(2, figures.views());
    assertEquals(0L, figures.json().get("steps_lost"));
    assertEquals(Map.of("p50", 0.61, "p99", 0.61), figures.json().get("worker_recovery_s"));
  }

  @Test
  void figures_aStepThatOneMemberDidNotFinish_isNeitherLostNorMissing() throws Exception {
    // Worker 1 finished step 5 of view 1 and worker 2 died before it could say so: the sum had
    // both.
    FailoverFigures figures =
        figures(
            begun()
                .step(600, 1, 5, 1, 0, 2)
                .did(1000, "kill", "worker-2", 2)
                .ended(1001, "worker-2", 2)
                .view(1500, 1, 2, 1, 5, 1, 3)
                .steps(1600, 2, 6, 9, 1, 3));
    assertTrue(figures.clean(), figures.text());
    assertEquals(9, figures.steps());
  }

  @Test
  void figures_aCommittedStepGivenUpThoughAMemberLived_isLost() throws Exception {
    FailoverFigures figures = figures(replaced(2).steps(1600, 2, 3, 9, 1, 3));
    assertEquals(2, figures.stepsLost());
    assertFalse(figures.clean());
    assertTrue(figures.text().contains("2 committed steps of view 1 from step 3 on"));
  }

  @Test
  void figures_committedStepsGivenUpAfterAllDied_areNotLost() throws Exception {
    FailoverFigures figures =
        figures(
            begun()
                .did(1000, "kill", "worker-1", 1)
                .did(1000, "kill", "worker-2", 2)
                .started(1100, "worker-4", 4)
                .view(1500, 1, 2, 1, 2, 3, 4)
                .steps(1600, 2, 3, 9, 3, 4));
    assertEquals(0, figures.stepsLost(), figures.text());
    assertTrue(figures.clean(), figures.text());
  }

  @Test
  void figures_membersThatWereStopped_losenStepsOnlyAfterThePatience() throws Exception {
    ClusterLines both = begun().did(1000, "stop", "worker-1", 1).did(1000, "stop", "worker-2", 2);
    both.started(1100, "worker-4", 4).view(59_000, 1, 2, 1, 2, 3, 4).steps(59_100, 2, 3, 9, 3, 4);
    assertEquals(2, figures(both).stepsLost());

    ClusterLines later = begun().did(1000, "stop", "worker-1", 1).did(1000, "stop", "worker-2", 2);
    later.started(1100, "worker-4", 4).view(62_000, 1, 2, 1, 2, 3, 4).steps(62_100, 2, 3, 9, 3, 4);
    assertEquals(0, figures(later).stepsLost());
  }

  @Test
  void figures_aPositionComputedTwice_isDoubled_andOneLeftOutMissing() throws Exception {
    // Step 5 has positions 3 to 6 of the second epoch: worker 1 takes 3, worker 3 takes 4 and 5.
    FailoverFigures figures =
        figures(
            replaced(4)
                .part(1600, 2, 5, 1, 3, 5)
                .part(1610, 2, 5, 3, 4, 5)
                .steps(1700, 2, 6, 9, 1, 3));
    assertEquals(1, figures.stepsDoubled());
    assertEquals(1, figures.samplesMissing());
    assertFalse(figures.clean());
  }

  @Test
  void figures_aRepeatedStepOfTheSameView_isRefused() throws Exception {
    ClusterLines twice = begun().step(700, 1, 4, 1, 0, 2);
    CommandFailure thrown = assertThrows(CommandFailure.class, () -> figures(twice));
    assertTrue(String.valueOf(thrown.getMessage()).contains("told twice by m1"));
  }

  @Test
  void figures_aSurvivorThatEndedOrChanged_wasRestarted() throws Exception {
    FailoverFigures ended =
        figures(replaced(4).steps(1600, 2, 5, 9, 1, 3).ended(2500, "worker-1", 1));
    assertEquals(1, ended.survivorsRestarted());
    assertFalse(ended.clean());

    FailoverFigures changed =
        figures(
            replaced(4)
                .steps(1600, 2, 5, 9, 1, 3)
                .said(2600, "worker-1", 1, "\"kind\":\"stop\",\"member\":\"another\""));
    assertEquals(1, changed.survivorsRestarted());

    // The same pid with another beginning is another process.
    FailoverFigures another =
        figures(
            replaced(4)
                .steps(1600, 2, 5, 9, 1, 3)
                .alive(2500, "worker-3", 3, 103)
                .alive(2500, "worker-1", 1, 999));
    assertEquals(1, another.survivorsRestarted());

    FailoverFigures takenDown =
        figures(
            replaced(4)
                .steps(1600, 2, 5, 9, 1, 3)
                .phase(2500, "end", true)
                .ended(2600, "worker-1", 1));
    assertEquals(0, takenDown.survivorsRestarted());
  }

  @Test
  void figures_aMemberLeftOutWithoutAnyFault_isAFalseEviction() throws Exception {
    FailoverFigures figures =
        figures(begun().view(1500, 1, 2, 1, 4, 1, 3).steps(1600, 2, 5, 9, 1, 3));
    assertEquals(1, figures.falseEvictions());
    assertTrue(figures.text().contains("view 2 left out worker-2 with pid 2"));
  }

  @Test
  void figures_aStoppedWorker_isEvictedAndComesBack() throws Exception {
    FailoverFigures figures =
        figures(
            begun()
                .did(1000, "stop", "worker-2", 2)
                .view(3500, 1, 2, 1, 4, 1, 3)
                .steps(3600, 2, 5, 6, 1, 3)
                .did(4000, "cont", "worker-2", 2)
                .view(4700, 1, 3, 2, 6, 1, 2)
                .steps(4800, 3, 7, 9, 1, 2));
    assertEquals(1, figures.workerStops());
    assertArrayEquals(new double[] {2.5}, figures.evictions(), CLOSE);
    assertArrayEquals(new double[] {0.7}, figures.returns(), CLOSE);
    // Worker 3 made room for it, which nothing explains.
    assertEquals(1, figures.falseEvictions());
    assertEquals(2.5, figures.json().get("stop_evicted_s"));
  }

  @Test
  void figures_aLeaderKilled_countTheNextOneAndTheStepsMeanwhile() throws Exception {
    FailoverFigures figures =
        figures(
            begun()
                .steps(3800, 1, 5, 6, 1, 2)
                .did(4000, "kill", "coordinator-1", 11)
                .did(4000, "kill", "coordinator-2", 12)
                .started(4100, "coordinator-3", 13)
                .steps(4300, 1, 7, 8, 1, 2)
                .said(6500, "coordinator-3", 13, "\"kind\":\"lead\",\"epoch\":2")
                .steps(5400, 1, 9, 14, 1, 2)
                .said(7500, "coordinator-3", 13, "\"kind\":\"commit\",\"epoch\":2,\"view\":1"));
    // The other coordinator did not lead.
    assertEquals(1, figures.leaderKills());
    assertArrayEquals(new double[] {3.5}, figures.leaderRecoveries(), CLOSE);
    // From step 14 at 5910 to the end of the time without a leader.
    assertEquals(1.59, figures.longestGap().orElseThrow(), CLOSE);
    assertTrue(figures.clean(), figures.text());
  }

  @Test
  void figures_aWorkerKilledSoonAfterTheLeadersReturn_isNoGapOfTheLeaders() throws Exception {
    FailoverFigures figures =
        figures(
            begun()
                .steps(3800, 1, 5, 6, 1, 2)
                .did(4000, "kill", "coordinator-1", 11)
                .said(6500, "coordinator-2", 12, "\"kind\":\"lead\",\"epoch\":2")
                .steps(7000, 1, 7, 7, 1, 2)
                .said(7300, "coordinator-2", 12, "\"kind\":\"commit\",\"epoch\":2,\"view\":1")
                .did(7500, "kill", "worker-2", 2)
                .view(9000, 2, 2, 1, 7, 1, 3)
                .steps(19_000, 2, 8, 9, 1, 3));
    // From the last step before the kill, at 3910, to step 7 at 7010.
    assertEquals(3.1, figures.longestGap().orElseThrow(), CLOSE);
  }

  @Test
  void figures_aWorkerKilledWithTheLeader_needAViewOfTheNextLeader() throws Exception {
    FailoverFigures figures =
        figures(
            begun()
                .did(4000, "kill", "coordinator-1", 11)
                .did(4100, "kill", "worker-2", 2)
                .said(6000, "coordinator-2", 12, "\"kind\":\"lead\",\"epoch\":2")
                .said(6100, "coordinator-2", 12, "\"kind\":\"commit\",\"epoch\":2,\"view\":1")
                .view(8000, 2, 2, 1, 4, 1, 3)
                .steps(8100, 2, 5, 9, 1, 3));
    assertArrayEquals(new double[] {4.0}, figures.leaderRecoveries(), CLOSE);
    assertArrayEquals(new double[] {4.01}, figures.recoveriesWithLeader(), CLOSE);
    assertEquals(1, figures.killsWithLeader());
    assertEquals(0, figures.workerKills());
  }

  @Test
  void figures_withoutZooKeeper_stepsThatPauseAreTheLongestGap() throws Exception {
    FailoverFigures figures =
        figures(
            begun()
                .phase(600, "no_zookeeper", true)
                .steps(3000, 1, 5, 6, 1, 2)
                .phase(3200, "no_zookeeper", false)
                .steps(3300, 1, 7, 7, 1, 2));
    assertEquals(2.5, figures.longestGap().orElseThrow(), CLOSE);
  }

  @Test
  void figures_statesThatDiffer_andViewsOfAnOldLeader_areTold() throws Exception {
    FailoverFigures figures =
        figures(
            replaced(4)
                .steps(1600, 2, 5, 9, 1, 3)
                .worker(2500, 1, "adopt", "\"view\":2,\"step\":9,\"digest\":\"other\"")
                .view(3000, 5, 3, 2, 9, 1, 3)
                .view(3100, 4, 4, 3, 9, 1, 3));
    assertEquals(1, figures.digestsDiffering());
    assertEquals(1, figures.staleOrders());
    assertFalse(figures.clean());
  }

  @Test
  void figures_aKillThatNothingFollows_isAFinding() throws Exception {
    FailoverFigures figures = figures(begun().did(1000, "kill", "worker-2", 2));
    assertEquals(
        List.of("no step was committed after the kill of worker-2 with pid 2 (at 1.0 s)"),
        figures.findings());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
  void figures_eventsThatCannotBe_areRefused(int which) throws Exception {
    ClusterLines none = new ClusterLines(ClusterEvent.FAILOVER);
    ClusterLines lines =
        switch (which) {
          case 0 -> none;
          case 1 -> none.job(1).job(1);
          // A view that continues one which nobody entered, and one before its beginning.
          case 2 -> begun().view(900, 1, 3, 2, 4, 1, 2);
          case 3 -> begun().view(900, 1, 2, 1, 4, 1, 2).view(950, 1, 3, 2, 3, 1, 2);
          // Two members that entered different views under one id.
          case 4 -> begun().view(900, 1, 2, 1, 4, 1).view(950, 1, 2, 1, 4, 1, 2);
          case 5 -> begun().step(700, 9, 5, 1, 0, 2);
          case 6 -> begun().did(800, "kill", "worker-9", 9);
          default -> begun().phase(800, "load", false);
        };
    CommandFailure thrown = assertThrows(CommandFailure.class, () -> figures(lines));
    assertTrue(String.valueOf(thrown.getMessage()).startsWith(directory.toString()));
  }
}
