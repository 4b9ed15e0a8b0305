package io.pulmo.bench;

import io.pulmo.bench.ClusterEvent.Action;
import io.pulmo.bench.ClusterEvent.Aimed;
import io.pulmo.bench.ClusterEvent.Loss;
import io.pulmo.bench.ClusterEvent.Stage;
import io.pulmo.bench.ClusterHistory.Turn;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Short jobs to their end, each with one loss that is aimed at one of its stages. What was lost is
 * put back only when the job has ended, but for some of the cut wires.
 */
final class StagesBench {
  /** Of a job. */
  static final int EPOCHS = 3;

  private static final Duration JOB = Duration.ofMinutes(4);
  private static final Duration EXIT = Duration.ofMinutes(1);
  private static final int SUBMISSION_MILLIS = 100;
  private static final int TRAINING_MILLIS = 500;
  private static final int VALIDATION_MILLIS = 20;
  private static final int EXPORT_MILLIS = 200;
  private static final int CUT_MILLIS = 3_000;

  private final Cluster cluster;
  private final String preset;
  private final int batch;
  private final int workers;
  private final Random random;
  private final Consumer<String> progress;

  /**
   * What a round does.
   *
   * @param stage at which it aims
   * @param loss of what
   */
  record Round(Stage stage, Loss loss) {}

  /** How to put back what was lost. */
  @FunctionalInterface
  private interface Repair {
    void run() throws IOException, InterruptedException;
  }

  StagesBench(
      Cluster cluster,
      String preset,
      int batch,
      int workers,
      long seed,
      Consumer<String> progress) {
    this.cluster = cluster;
    this.preset = preset;
    this.batch = batch;
    this.workers = workers;
    this.random = new Random(seed);
    this.progress = progress;
  }

  /** Starts the workers and runs the rounds. */
  void run(List<Round> rounds) throws IOException, InterruptedException {
    for (int w = 1; w <= workers; w++) {
      ChildJvm unused = cluster.startWorker("worker-" + w, false);
    }
    int number = 0;
    for (Round round : rounds) {
      for (ChildJvm worker : cluster.workers().values()) {
        String unused = worker.awaitAddress(Cluster.START);
      }
      number++;
      progress.accept(
          "%d of %d: %s lost in %s"
              .formatted(number, rounds.size(), name(round.loss), name(round.stage)));
      round(number, round);
    }
  }

  static String name(Enum<?> one) {
    return one.name().toLowerCase(Locale.ROOT);
  }

  private void round(int number, Round round) throws IOException, InterruptedException {
    Repair repair;
    String job;
    if (round.stage == Stage.SUBMISSION) {
      FutureTask<Repair> loss = new FutureTask<>(() -> lose(number, round, Optional.empty()));
      Thread.ofPlatform().daemon().name("loss").start(loss);
      job = submit(number);
      repair = result(loss);
    } else {
      job = submit(number);
      repair = lose(number, round, Optional.of(job));
    }
    JobEnd.await(cluster, job, JOB, progress);
    repair.run();
  }

  private String submit(int number) throws IOException, InterruptedException {
    return FailoverBench.submit(
        cluster, "stages-" + number, preset, batch, EPOCHS, 1, workers, line -> {});
  }

  private static Repair result(FutureTask<Repair> loss) throws IOException, InterruptedException {
    try {
      return loss.get();
    } catch (ExecutionException e) {
      throw new IOException("what should have been lost was not: " + e.getCause(), e);
    }
  }

  private Repair lose(int number, Round round, Optional<String> job)
      throws IOException, InterruptedException {
    ChildJvm worker;
    int delayMillis;
    switch (round.stage) {
      case SUBMISSION -> {
        worker = cluster.anyWorker(random);
        delayMillis = SUBMISSION_MILLIS;
      }
      case TRAINING -> {
        worker = cluster.anyWorker(random);
        awaitStep(job.orElseThrow());
        delayMillis = TRAINING_MILLIS;
      }
      case VALIDATION -> {
        int epoch = random.nextInt(EPOCHS);
        long step = (epoch + 1L) * Math.ceilDiv(cluster.samples(), batch) - 1;
        worker = workerThatTurns("validate", job.orElseThrow(), step);
        delayMillis = VALIDATION_MILLIS;
      }
      case EXPORT -> {
        worker = workerThatTurns("export", job.orElseThrow(), 0);
        delayMillis = EXPORT_MILLIS;
      }
      default -> throw new IllegalStateException("no such stage: " + round.stage);
    }
    Thread.sleep(random.nextInt(delayMillis));
    return inflict(number, round, worker);
  }

  private Repair inflict(int number, Round round, ChildJvm worker)
      throws IOException, InterruptedException {
    switch (round.loss) {
      case LEADER -> {
        ChildJvm leader = cluster.awaitLeader(EXIT);
        aim(number, round);
        cluster.act(Action.KILL, leader);
        return () -> {
          int unused = leader.awaitExit(EXIT);
          String unusedToo = cluster.startCoordinator(leader.name()).awaitAddress(Cluster.START);
        };
      }
      case WORKER -> {
        boolean onOldState = random.nextBoolean();
        aim(number, round);
        cluster.act(Action.KILL, worker);
        return () -> {
          int unused = worker.awaitExit(EXIT);
          ChildJvm unusedToo = cluster.startWorker(worker.name(), onOldState);
        };
      }
      case ZOOKEEPER -> {
        int place = random.nextInt(cluster.ensemble().size());
        aim(number, round);
        cluster.ensemble().act(Action.KILL, place);
        return () -> {
          cluster.ensemble().restart(place);
          cluster.ensemble().awaitReady(Cluster.START);
        };
      }
      case NETWORK -> {
        boolean leaders = round.stage == Stage.SUBMISSION;
        boolean soon = leaders || random.nextBoolean();
        ChildJvm cut = leaders ? cluster.awaitLeader(EXIT) : worker;
        aim(number, round);
        cluster.act(Action.CUT, cut);
        if (soon) {
          Thread.sleep(random.nextInt(CUT_MILLIS));
          cluster.act(Action.MEND, cut);
          return () -> {};
        }
        return () -> cluster.act(Action.MEND, cut);
      }
      default -> throw new IllegalStateException("no such loss: " + round.loss);
    }
  }

  private void aim(int number, Round round) {
    cluster.events().add(new Aimed(cluster.events().now(), number, round.stage, round.loss));
  }

  private void awaitStep(String job) throws IOException, InterruptedException {
    Optional<Long> first =
        cluster.await(
            JOB,
            seen ->
                Stream.ofNullable(seen.jobs().get(job))
                    .flatMap(known -> known.views().values().stream())
                    .flatMap(view -> view.steps().keySet().stream())
                    .findFirst());
    if (first.isEmpty()) {
      throw CommandFailure.work("job " + job + " has taken no step in " + JOB.toSeconds() + " s");
    }
  }

  private ChildJvm workerThatTurns(String kind, String job, long step)
      throws IOException, InterruptedException {
    Optional<Turn> turn =
        cluster.await(
            JOB,
            seen ->
                seen.turns().stream()
                    .filter(
                        one ->
                            one.job().equals(job) && one.kind().equals(kind) && one.step() >= step)
                    .findFirst());
    Optional<ChildJvm> worker =
        turn.flatMap(one -> cluster.look(seen -> seen.childOf(one.member())))
            .map(ClusterHistory.Child::name)
            .map(cluster.workers()::get);
    return worker.orElseThrow(
        () ->
            CommandFailure.work(
                "no worker of job %s has told '%s' in %d s".formatted(job, kind, JOB.toSeconds())));
  }
}
