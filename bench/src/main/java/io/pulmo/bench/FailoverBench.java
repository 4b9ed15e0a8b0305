package io.pulmo.bench;

import io.pulmo.bench.ClusterEvent.Action;
import io.pulmo.bench.ClusterEvent.Weather;
import io.pulmo.bench.ClusterHistory.SeenJob;
import io.pulmo.bench.ClusterHistory.SeenView;
import io.pulmo.cli.rpc.JobClient;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Faults at random instants in a job that does not end: after each the harness waits for the
 * cluster to be whole again, with every worker in one view that takes steps.
 */
final class FailoverBench {
  private static final Duration WHOLE = Duration.ofMinutes(3);
  private static final Duration RECOVERY = Duration.ofMinutes(1);
  private static final int EPOCHS = 10_000;
  private static final int STEPS_OF_A_WHOLE = 2;
  private static final int LONGEST_CALM_MILLIS = 2_500;
  private static final int SOON_MILLIS = 500;

  /** What is done. */
  enum Fault {
    WORKER_KILL("a worker is killed"),
    WORKER_STOP("a worker is stopped"),
    WORKER_CUT("a worker is cut off"),
    LEADER_KILL("the leader is killed"),
    LEADER_AND_WORKER_KILL("leader and worker are killed"),
    LEADER_STOP("the leader is stopped"),
    LEADER_STOP_AND_WORKER_KILL("the leader is stopped and a worker killed"),
    ZOOKEEPER_STOP("all of ZooKeeper is stopped"),
    ZOOKEEPER_KILL("all of ZooKeeper is killed");

    private final String text;

    Fault(String text) {
      this.text = text;
    }
  }

  /**
   * How much of it.
   *
   * @param workerKills one at a time
   * @param leaderKills of which every second takes a worker along
   * @param workerStops and as many cuts
   * @param leaderStops of which every second takes a worker along
   * @param secondsWithoutZooKeeper once stopped and once killed; 0 for neither
   * @param slowSeconds with a worker at a quarter of its time; 0 for none
   * @param loadSeconds of CPU load without a fault, at the end
   */
  record Amounts(
      int workerKills,
      int leaderKills,
      int workerStops,
      int leaderStops,
      int secondsWithoutZooKeeper,
      int slowSeconds,
      int loadSeconds) {
    private List<Fault> faults() {
      List<Fault> faults = new ArrayList<>();
      add(faults, Fault.WORKER_KILL, workerKills);
      add(faults, Fault.LEADER_KILL, (leaderKills + 1) / 2);
      add(faults, Fault.LEADER_AND_WORKER_KILL, leaderKills / 2);
      add(faults, Fault.WORKER_STOP, workerStops);
      add(faults, Fault.WORKER_CUT, workerStops);
      add(faults, Fault.LEADER_STOP, (leaderStops + 1) / 2);
      add(faults, Fault.LEADER_STOP_AND_WORKER_KILL, leaderStops / 2);
      add(faults, Fault.ZOOKEEPER_STOP, secondsWithoutZooKeeper > 0 ? 1 : 0);
      add(faults, Fault.ZOOKEEPER_KILL, secondsWithoutZooKeeper > 0 ? 1 : 0);
      return faults;
    }

    private static void add(List<Fault> to, Fault fault, int times) {
      to.addAll(Collections.nCopies(times, fault));
    }
  }

  private final Cluster cluster;
  private final Random random;
  private final Amounts amounts;
  private final int batch;
  private final Consumer<String> progress;
  private String job = "";

  FailoverBench(Cluster cluster, long seed, Amounts amounts, int batch, Consumer<String> progress) {
    this.cluster = cluster;
    this.random = new Random(seed);
    this.amounts = amounts;
    this.batch = batch;
    this.progress = progress;
  }

  /** Does all of it. */
  void run(int workers, String preset) throws IOException, InterruptedException {
    for (int w = 1; w <= workers; w++) {
      ChildJvm unused = cluster.startWorker("worker-" + w, false);
    }
    for (ChildJvm worker : cluster.workers().values()) {
      String unused = worker.awaitAddress(Cluster.START);
    }
    job = submit(cluster, "failover", preset, batch, EPOCHS, 1, workers, progress);
    List<Fault> faults = amounts.faults();
    Collections.shuffle(faults, random);
    int done = 0;
    for (Fault fault : faults) {
      checkWhole();
      Thread.sleep(random.nextInt(LONGEST_CALM_MILLIS));
      done++;
      progress.accept("%d of %d: %s".formatted(done, faults.size(), fault.text));
      inflict(fault);
    }
    checkWhole();
    if (amounts.slowSeconds > 0) {
      progress.accept("%d s with a worker at a quarter of its time".formatted(amounts.slowSeconds));
      slow();
      checkWhole();
    }
    if (amounts.loadSeconds > 0) {
      progress.accept("%d s under full CPU load".formatted(amounts.loadSeconds));
      load();
      checkWhole();
    }
  }

  /**
   * Submits a job on the cluster's data.
   *
   * @return its id
   */
  static String submit(
      Cluster cluster,
      String name,
      String preset,
      int batch,
      int epochs,
      int least,
      int most,
      Consumer<String> progress)
      throws IOException, InterruptedException {
    Path yaml =
        Files.writeString(
            cluster.directory().resolve(name + ".yaml"),
            """
            name: %s
            preset: %s
            data: {train: data/train_list.txt, validation: data/val_list.txt, images: images}
            batch: %d
            epochs: %d
            workers: {min: %d, max: %d}
            checkpoint: {everySteps: 20, keep: 3}
            export: {calibrationSamples: 0}
            """
                .formatted(name, preset, batch, epochs, least, most));
    String id;
    try (JobClient client = new JobClient(cluster.coordinatorAddresses())) {
      id = client.submit(yaml);
    }
    cluster
        .events()
        .add(new ClusterEvent.Job(cluster.events().now(), id, cluster.samples(), batch, epochs));
    progress.accept("job " + id);
    return id;
  }

  private void inflict(Fault fault) throws IOException, InterruptedException {
    switch (fault) {
      case WORKER_KILL -> {
        ChildJvm worker = cluster.anyWorker(random);
        long view = newestView();
        cluster.act(Action.KILL, worker);
        awaitStepAfter(view);
        replace(worker);
      }
      case WORKER_STOP -> outOfReach(Action.STOP, Action.CONT);
      case WORKER_CUT -> outOfReach(Action.CUT, Action.MEND);
      case LEADER_KILL -> {
        ChildJvm leader = cluster.awaitLeader(RECOVERY);
        long epoch = epoch();
        cluster.act(Action.KILL, leader);
        awaitOffice(epoch);
        restart(leader);
      }
      case LEADER_AND_WORKER_KILL -> {
        ChildJvm leader = cluster.awaitLeader(RECOVERY);
        ChildJvm worker = cluster.anyWorker(random);
        long view = newestView();
        long epoch = epoch();
        cluster.act(Action.KILL, leader);
        Thread.sleep(random.nextInt(SOON_MILLIS));
        cluster.act(Action.KILL, worker);
        awaitOffice(epoch);
        awaitStepAfter(view);
        restart(leader);
        replace(worker);
      }
      case LEADER_STOP -> {
        ChildJvm leader = cluster.awaitLeader(RECOVERY);
        long epoch = epoch();
        cluster.act(Action.STOP, leader);
        awaitOffice(epoch);
        Thread.sleep(random.nextInt(LONGEST_CALM_MILLIS));
        cluster.act(Action.CONT, leader);
      }
      case LEADER_STOP_AND_WORKER_KILL -> {
        // It wakes up with a view change of its own in mind.
        ChildJvm leader = cluster.awaitLeader(RECOVERY);
        ChildJvm worker = cluster.anyWorker(random);
        long view = newestView();
        long epoch = epoch();
        cluster.act(Action.STOP, leader);
        Thread.sleep(random.nextInt(SOON_MILLIS));
        cluster.act(Action.KILL, worker);
        awaitOffice(epoch);
        awaitStepAfter(view);
        cluster.act(Action.CONT, leader);
        replace(worker);
      }
      case ZOOKEEPER_STOP -> {
        phase(Weather.NO_ZOOKEEPER, true);
        cluster.ensemble().act(Action.STOP);
        Thread.sleep(amounts.secondsWithoutZooKeeper * 1_000L);
        cluster.ensemble().act(Action.CONT);
        phase(Weather.NO_ZOOKEEPER, false);
        cluster.ensemble().awaitReady(Cluster.START);
        awaitLeading();
      }
      case ZOOKEEPER_KILL -> {
        phase(Weather.NO_ZOOKEEPER, true);
        cluster.ensemble().act(Action.KILL);
        Thread.sleep(amounts.secondsWithoutZooKeeper * 1_000L);
        phase(Weather.NO_ZOOKEEPER, false);
        cluster.ensemble().restart();
        cluster.ensemble().awaitReady(Cluster.START);
        awaitLeading();
      }
    }
  }

  private void outOfReach(Action action, Action over) throws IOException, InterruptedException {
    ChildJvm worker = cluster.anyWorker(random);
    long view = newestView();
    cluster.act(action, worker);
    awaitStepAfter(view);
    Thread.sleep(random.nextInt(LONGEST_CALM_MILLIS));
    cluster.act(over, worker);
  }

  private void slow() throws IOException, InterruptedException {
    ChildJvm worker = cluster.anyWorker(random);
    // What it is compared with: a third of the time, without a fault.
    Thread.sleep(amounts.slowSeconds * 1_000L / 3);
    phase(Weather.SLOW_WORKER, true);
    cluster.act(Action.SLOW, worker);
    try (Throttle _ = Throttle.of(worker)) {
      Thread.sleep(amounts.slowSeconds * 1_000L);
    }
    phase(Weather.SLOW_WORKER, false);
    cluster.act(Action.FREE, worker);
  }

  private void load() throws IOException, InterruptedException {
    List<ChildJvm> busy = new ArrayList<>();
    for (int c = 1; c <= Runtime.getRuntime().availableProcessors(); c++) {
      busy.add(cluster.startOther("busy-" + c, BusyMain.class.getName()));
    }
    phase(Weather.LOAD, true);
    Thread.sleep(amounts.loadSeconds * 1_000L);
    phase(Weather.LOAD, false);
    busy.forEach(ChildJvm::close);
  }

  private void phase(Weather weather, boolean begins) {
    cluster.events().add(new ClusterEvent.Phase(cluster.events().now(), weather, begins));
  }

  private long epoch() {
    return cluster.look(
        seen -> seen.leads().stream().mapToLong(ClusterHistory.Lead::epoch).max().orElse(0));
  }

  private void replace(ChildJvm worker) throws IOException, InterruptedException {
    int unused = worker.awaitExit(RECOVERY);
    ChildJvm unusedToo = cluster.startWorker(worker.name(), random.nextBoolean());
  }

  private void restart(ChildJvm coordinator) throws IOException, InterruptedException {
    int unused = coordinator.awaitExit(RECOVERY);
    ChildJvm unusedToo = cluster.startCoordinator(coordinator.name());
  }

  private long newestView() {
    return cluster.look(seen -> seenJob(seen).views().isEmpty() ? 0 : newest(seen).id());
  }

  private SeenJob seenJob(ClusterHistory seen) {
    SeenJob known = seen.jobs().get(job);
    if (known == null) {
      throw new IllegalStateException("job " + job + " is not known yet");
    }
    return known;
  }

  private SeenView newest(ClusterHistory seen) {
    return seenJob(seen).views().lastEntry().getValue();
  }

  /** Until every worker that was started is in the newest view, and that takes steps. */
  private void awaitWhole() throws IOException, InterruptedException {
    if (cluster.await(WHOLE, this::whole).isEmpty()) {
      throw CommandFailure.work(
          "the cluster is not whole again after %d s: view %s, workers %s"
              .formatted(
                  WHOLE.toSeconds(),
                  cluster.look(seen -> newest(seen).shares()),
                  cluster.workers().values().stream().map(ChildJvm::pid).toList()));
    }
  }

  /** Until the cluster is whole; then notes that each worker is still the one that was started. */
  private void checkWhole() throws IOException, InterruptedException {
    awaitWhole();
    for (ChildJvm worker : cluster.workers().values()) {
      worker.lookAgain();
    }
  }

  private Optional<SeenView> whole(ClusterHistory seen) {
    if (!seen.jobs().containsKey(job) || seenJob(seen).views().isEmpty()) {
      return Optional.empty();
    }
    SeenView view = newest(seen);
    List<Long> pids =
        view.shares().keySet().stream()
            .map(seen::childOf)
            .flatMap(Optional::stream)
            .map(ClusterHistory.Child::pid)
            .sorted()
            .toList();
    List<Long> all = cluster.workers().values().stream().map(ChildJvm::pid).sorted().toList();
    long step = view.continuesStep() + STEPS_OF_A_WHOLE;
    return pids.equals(all) && view.committedAt(step).isPresent()
        ? Optional.of(view)
        : Optional.empty();
  }

  // What does not come is a finding of the verifier's; the bench goes on.

  /** Until a step of a later view is committed, or patience is over. */
  private void awaitStepAfter(long view) throws IOException, InterruptedException {
    Optional<Long> unused =
        cluster.await(
            RECOVERY,
            seen ->
                seenJob(seen).views().tailMap(view, false).values().stream()
                    .flatMap(
                        later ->
                            later.steps().keySet().stream()
                                .filter(step -> later.committedAt(step).isPresent()))
                    .findFirst());
  }

  /** Until a leader of a later epoch has been told a committed step or made a view. */
  private void awaitOffice(long epoch) throws IOException, InterruptedException {
    Optional<String> unused =
        cluster.await(
            RECOVERY,
            seen ->
                seen.offices().reversed().stream()
                    .filter(
                        office ->
                            office.epoch() > epoch
                                && (office.kind().equals("commit") || office.kind().equals("view")))
                    .map(ClusterHistory.Office::kind)
                    .findFirst());
  }

  /** Until some coordinator leads after this moment. */
  private void awaitLeading() throws IOException, InterruptedException {
    long now = cluster.events().now();
    Optional<String> unused =
        cluster.await(
            RECOVERY,
            seen ->
                seen.offices().reversed().stream()
                    .takeWhile(office -> office.t() > now)
                    .filter(office -> office.kind().equals("commit"))
                    .map(ClusterHistory.Office::kind)
                    .findFirst());
  }
}
