package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.bench.ClusterEvent.Loss;
import io.pulmo.bench.ClusterEvent.Stage;
import io.pulmo.model.network.Preset;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cluster of real processes under faults: a short campaign, and with {@code pulmo.long} one of
 * hundreds. What nothing may cost is looked at, not how long it took on whatever machine this is.
 */
class ClusterCampaignTest {
  private static final boolean LONG = Boolean.getBoolean("pulmo.long");
  private static final long SEED = 11;
  private static final int WORKERS = 3;
  private static final int PATIENTS = 40;

  private final Path directory;

  ClusterCampaignTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static ClusterEvent.Begin begin(String format) {
    return new ClusterEvent.Begin(
        format,
        SEED,
        Preset.SMALL.label(),
        WORKERS,
        LONG ? 3 : 2,
        LONG ? 3 : 1,
        ClusterOptions.PATIENCE_MILLIS,
        Runtime.getRuntime().availableProcessors(),
        Runtime.version().toString());
  }

  @Test
  void job_underFaultsOfEveryKind_losesAndDoublesNothing() throws Exception {
    ClusterEvent.Begin begin = begin(ClusterEvent.FAILOVER);
    FailoverBench.Amounts amounts =
        LONG
            ? new FailoverBench.Amounts(50, 20, 5, 4, 30, 60, 600)
            : new FailoverBench.Amounts(1, 2, 1, 0, 0, 20, 0);
    Path events = directory.resolve("events");
    try (Cluster cluster =
        Cluster.start(directory.resolve("cluster"), events, begin, PATIENTS, Preset.SMALL, true)) {
      new FailoverBench(cluster, SEED, amounts, ClusterOptions.BATCH, System.out::println)
          .run(WORKERS, begin.preset());
    }
    FailoverFigures figures = FailoverVerifier.figures(events);
    System.out.print(figures.text());

    assertTrue(figures.clean(), figures.text());
    assertEquals(amounts.leaderKills(), figures.leaderKills());
    assertEquals(amounts.workerKills(), figures.workerKills());
    assertEquals(amounts.workerStops(), figures.workerStops());
    assertEquals(amounts.workerStops(), figures.workerCuts());
  }

  @Test
  void jobs_disruptedToTheirEnd_countEachSampleOnce() throws Exception {
    ClusterEvent.Begin begin = begin(ClusterEvent.LEDGER);
    int seeds = LONG ? 50 : 1;
    Path events = directory.resolve("events");
    try (Cluster cluster =
        Cluster.start(directory.resolve("cluster"), events, begin, PATIENTS, Preset.SMALL, false)) {
      new LedgerBench(
              cluster,
              begin.preset(),
              ClusterOptions.BATCH,
              LedgerCommand.EPOCHS,
              WORKERS,
              System.out::println)
          .run(SEED, seeds);
    }
    LedgerFigures figures = LedgerVerifier.figures(events);
    System.out.print(figures.text());

    assertTrue(figures.clean(), figures.text());
    assertEquals(seeds, figures.seeds());
    assertTrue(figures.fewest() >= 3, figures.text());
  }

  @Test
  void jobs_thatLoseSomebodyInAStage_endWell() throws Exception {
    ClusterEvent.Begin begin = begin(ClusterEvent.STAGES);
    List<StagesBench.Round> rounds =
        LONG
            ? StagesCommand.rounds(SEED, 64)
            : List.of(
                new StagesBench.Round(Stage.SUBMISSION, Loss.LEADER),
                new StagesBench.Round(Stage.VALIDATION, Loss.WORKER),
                new StagesBench.Round(Stage.EXPORT, Loss.LEADER));
    Path events = directory.resolve("events");
    try (Cluster cluster =
        Cluster.start(
            directory.resolve("cluster"),
            events,
            begin,
            StagesCommand.PATIENTS,
            Preset.SMALL,
            true)) {
      new StagesBench(
              cluster, begin.preset(), ClusterOptions.BATCH, WORKERS, SEED, System.out::println)
          .run(rounds);
    }
    StagesFigures figures = StagesVerifier.figures(events);
    System.out.print(figures.text());

    assertTrue(figures.clean(), figures.text());
    assertEquals(rounds.size(), figures.outcomes().size());
  }
}
