package io.pulmo.bench;

import io.pulmo.bench.ClusterEvent.Action;
import io.pulmo.bench.ClusterHistory.SeenJob;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Short jobs to their end, each with kills, pauses and joins at random instants from its seed. One
 * cluster runs them all: a worker that was killed is replaced before the next.
 */
final class LedgerBench {
  private static final Duration FIRST_STEP = Duration.ofMinutes(2);
  private static final Duration JOB = Duration.ofMinutes(8);
  private static final Duration STATUS_PATIENCE = Duration.ofMinutes(1);
  private static final int LEAST_DISRUPTIONS = 3;
  private static final int MORE_DISRUPTIONS = 3;
  private static final int LONGEST_PAUSE_MILLIS = 6_000;

  private final Cluster cluster;
  private final String preset;
  private final int batch;
  private final int epochs;
  private final int workers;
  private final Consumer<String> progress;
  private int names;

  LedgerBench(
      Cluster cluster,
      String preset,
      int batch,
      int epochs,
      int workers,
      Consumer<String> progress) {
    this.cluster = cluster;
    this.preset = preset;
    this.batch = batch;
    this.epochs = epochs;
    this.workers = workers;
    this.progress = progress;
  }

  /** Runs a job for each seed. */
  void run(long firstSeed, int seeds) throws IOException, InterruptedException {
    for (long seed = firstSeed; seed < firstSeed + seeds; seed++) {
      progress.accept("seed %d, %d of %d".formatted(seed, seed - firstSeed + 1, seeds));
      job(seed);
    }
  }

  private void job(long seed) throws IOException, InterruptedException {
    Random random = new Random(seed);
    for (ChildJvm worker : List.copyOf(cluster.workers().values())) {
      if (!worker.isAlive()) {
        cluster.workers().remove(worker.name());
      }
    }
    while (cluster.workers().size() > workers) {
      ChildJvm surplus = cluster.workers().pollLastEntry().getValue();
      cluster.act(Action.KILL, surplus);
      int unused = surplus.awaitExit(STATUS_PATIENCE);
    }
    while (cluster.workers().size() < workers) {
      ChildJvm unused = join();
    }
    for (ChildJvm worker : cluster.workers().values()) {
      String unused = worker.awaitAddress(Cluster.START);
    }
    String id =
        FailoverBench.submit(
            cluster, "ledger-" + seed, preset, batch, epochs, 1, workers + 2, progress);
    if (cluster.await(FIRST_STEP, seen -> steps(seen.jobs().get(id))).isEmpty()) {
      throw CommandFailure.work(
          "job %s has taken no step in %d s".formatted(id, FIRST_STEP.toSeconds()));
    }
    int disruptions = LEAST_DISRUPTIONS + random.nextInt(MORE_DISRUPTIONS + 1);
    long total = (long) epochs * Math.ceilDiv(cluster.samples(), batch);
    for (int d = 0; d < disruptions; d++) {
      // Spread over the first three quarters, so that the last is over before the job is.
      long step = total * 3 * d / (4L * disruptions) + 1 + random.nextInt(3);
      awaitStep(id, Math.min(step, total - 1));
      disrupt(random);
    }
    JobEnd.await(cluster, id, JOB, progress);
  }

  private void disrupt(Random random) throws IOException, InterruptedException {
    List<ChildJvm> alive = cluster.workers().values().stream().filter(ChildJvm::isAlive).toList();
    ChildJvm victim = alive.get(random.nextInt(alive.size()));
    int kind = random.nextInt(alive.size() > 1 ? 4 : 2);
    switch (kind) {
      case 0 -> {
        ChildJvm unused = join();
      }
      case 1 -> {
        int millis = random.nextInt(LONGEST_PAUSE_MILLIS);
        cluster.act(Action.STOP, victim);
        Thread.sleep(millis);
        cluster.act(Action.CONT, victim);
      }
      default -> {
        cluster.act(Action.KILL, victim);
        if (kind == 3) {
          int unused = victim.awaitExit(STATUS_PATIENCE);
          ChildJvm unusedToo = cluster.startWorker(victim.name(), random.nextBoolean());
        }
      }
    }
  }

  private ChildJvm join() throws IOException {
    names++;
    return cluster.startWorker("worker-" + names, false);
  }

  private static Optional<Long> steps(@org.jspecify.annotations.Nullable SeenJob job) {
    return job == null
            || job.views().isEmpty()
            || job.views().lastEntry().getValue().steps().isEmpty()
        ? Optional.empty()
        : Optional.of(job.views().lastEntry().getValue().steps().lastKey());
  }

  private void awaitStep(String id, long step) throws IOException, InterruptedException {
    Optional<Long> reached =
        cluster.await(JOB, seen -> steps(seen.jobs().get(id)).filter(newest -> newest >= step));
    if (reached.isEmpty()) {
      throw CommandFailure.work(
          "job %s has not come to step %d in %d s; the newest is %s"
              .formatted(
                  id, step, JOB.toSeconds(), cluster.look(seen -> steps(seen.jobs().get(id)))));
    }
  }
}
