package io.pulmo.model.view;

import com.google.errorprone.annotations.FormatMethod;
import io.pulmo.model.view.ViewJournal.Kept;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * One seeded life of a cluster that trains a job: the real protocol, between processes, network,
 * clock and ensemble that are made of events.
 */
final class Schedule {
  static final long PATIENCE_MILLIS = 60_000;
  private static final long MILLI = 1_000_000;
  private static final long TICK_NANOS = 100 * MILLI;
  private static final long BOUND_NANOS = 900_000 * MILLI;

  /** Rules that are taken out to see what they are good for. */
  record Rules(
      boolean goesOnAfterPromise,
      boolean hasty,
      boolean byAnyLabel,
      boolean publishesEarly,
      boolean prunesByAge) {
    static final Rules ALL_KEPT = new Rules(false, false, false, false, false);
  }

  /** A schedule in which the protocol broke a promise. */
  static final class BrokenException extends AssertionError {
    private static final long serialVersionUID = 1;

    BrokenException(String message) {
      super(message);
    }
  }

  private record Event(long atNanos, long number, Runnable action) {}

  final Rules rules;
  final long seed;
  final long stepCount;
  final long checkpointEvery;
  final int keptCheckpoints;
  double unknownWrites;
  double lostMessages;
  double doubledMessages;
  double failedCopies;
  private boolean nasty;
  final Random random;
  private final boolean traces;
  private final Deque<String> trace = new ArrayDeque<>();
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(
          Comparator.comparingLong(Event::atNanos).thenComparingLong(Event::number));
  private final Lineage lineage = new Lineage(this);
  private final FakeEnsemble ensemble = new FakeEnsemble(this, lineage);
  final List<FakeCoordinator> coordinators = new ArrayList<>();
  final List<FakeWorker.Disk> disks = new ArrayList<>();
  final Map<FakeWorker.Disk, FakeWorker> running = new LinkedHashMap<>();
  private final Map<String, FakeWorker> workers = new HashMap<>();
  private final Map<Long, FakeRing> rings = new HashMap<>();
  final Map<String, Long> cutUntilNanos = new HashMap<>();
  final Map<String, Long> cutOffUntilNanos = new HashMap<>();
  private final ViewLeader.Settings settings;
  private final long computeMillis;
  private final long faultsUntilNanos;
  final double meanFaultMillis;
  @Nullable FakeCoordinator elected;
  private boolean electing;
  private boolean calm;
  private long now;
  private long eventCount;
  private int processCount;

  Schedule(long seed, Rules rules, boolean traces) {
    this.seed = seed;
    this.rules = rules;
    this.traces = traces;
    random = new Random(seed * 0x9e3779b97f4a7c15L + 1);
    int machines = 2 + random.nextInt(5);
    int min = 1 + random.nextInt(2);
    int max = Math.max(min, machines - random.nextInt(2));
    settings =
        new ViewLeader.Settings(
            min, max, rules.hasty() ? 0 : PATIENCE_MILLIS, 4_000, 3_000, 20_000, 300);
    stepCount = 60L + random.nextInt(400);
    checkpointEvery = 3L + random.nextInt(30);
    keptCheckpoints = 1 + (int) (checkpointEvery % 3);
    computeMillis = 50L + random.nextInt(500);
    faultsUntilNanos = (20_000L + random.nextInt(200_000)) * MILLI;
    meanFaultMillis = 300 + random.nextInt(5_000);
    boolean mishaps = random.nextInt(3) > 0;
    unknownWrites = mishaps ? random.nextDouble() * 0.05 : 0;
    lostMessages = mishaps ? random.nextDouble() * 0.003 : 0;
    doubledMessages = mishaps ? random.nextDouble() * 0.05 : 0;
    failedCopies = mishaps ? random.nextDouble() * 0.2 : 0;
    nasty = random.nextInt(3) == 0;
    for (int at = 0; at < 3; at++) {
      coordinators.add(new FakeCoordinator("c" + at, this));
    }
    for (int at = 0; at < machines; at++) {
      disks.add(new FakeWorker.Disk());
    }
  }

  Lineage lineage() {
    return lineage;
  }

  FakeEnsemble ensemble() {
    return ensemble;
  }

  long now() {
    return now;
  }

  long eventCount() {
    return eventCount;
  }

  /** The leader's side of the job, with the rules of this schedule. */
  ViewLeader leader(FakeCoordinator coordinator, ViewJournal journal) {
    Choice choice =
        rules.byAnyLabel()
            ? new Choice() {
              @Override
              boolean isCandidate(Kept record, String memberId, Label label, long enteredView) {
                return true;
              }
            }
            : new Choice();
    Checkpoints checkpoints =
        rules.publishesEarly()
            ? new Checkpoints() {
              @Override
              boolean isOnLineage(Label label, View record, long committedStep) {
                return true;
              }
            }
            : new Checkpoints();
    return new ViewLeader(
        journal,
        coordinator.epoch,
        settings,
        applicants -> applicants.stream().map(it -> it.seat(1 + random.nextInt(4), 1)).toList(),
        coordinator,
        () -> now,
        choice,
        checkpoints);
  }

  FakeWorker worker(String memberId) {
    FakeWorker worker = workers.get(memberId);
    if (worker == null) {
      throw broken("nobody is %s", memberId);
    }
    return worker;
  }

  FakeRing ring(View view) {
    FakeRing ring = rings.computeIfAbsent(view.id(), id -> new FakeRing(this, view));
    if (!ring.view.equals(view)) {
      throw broken("two views have one id: %s, %s", ring.view, view);
    }
    return ring;
  }

  boolean hasStopped(View view) {
    return view.seats().stream().anyMatch(it -> !worker(it.memberId()).isIn(view.id()));
  }

  boolean chance(double probability) {
    return probability > 0 && random.nextDouble() < probability;
  }

  /** Nanoseconds, at random between so many milliseconds. */
  long millis(long from, long to) {
    return from * MILLI + (long) (random.nextDouble() * (double) (to - from) * MILLI);
  }

  long delayNanos() {
    return chance(0.01) ? millis(5, nasty ? 1500 : 300) : millis(0, 5);
  }

  long computeNanos() {
    return millis(computeMillis / 2, computeMillis * 3 / 2);
  }

  boolean isCalm() {
    return calm;
  }

  boolean isNasty() {
    return nasty && chance(0.3);
  }

  void in(long delayNanos, Runnable action) {
    at(now + delayNanos, action);
  }

  void at(long atNanos, Runnable action) {
    events.add(new Event(Math.max(atNanos, now), eventCount++, action));
  }

  @FormatMethod
  void trace(String format, Object... arguments) {
    if (traces) {
      trace.add("%9.3f ".formatted(now / 1e9) + format.formatted(arguments));
      if (trace.size() > 400) {
        trace.removeFirst();
      }
    }
  }

  @FormatMethod
  BrokenException broken(String format, Object... arguments) {
    return new BrokenException(
        "seed %d at %.3f s: %s%n%s"
            .formatted(seed, now / 1e9, format.formatted(arguments), String.join("\n", trace)));
  }

  boolean isCut(String a, String b) {
    String link = a.compareTo(b) < 0 ? a + " " + b : b + " " + a;
    return cutUntilNanos.getOrDefault(link, 0L) > now;
  }

  boolean isCutOff(FakeWorker worker) {
    return cutOffUntilNanos.getOrDefault(worker.memberId, 0L) > now;
  }

  /** A coordinator that says that it leads; now and then one that only believes so. */
  @Nullable FakeCoordinator findLeader() {
    List<FakeCoordinator> leading =
        coordinators.stream().filter(FakeCoordinator::isLeading).toList();
    if (leading.isEmpty()) {
      return null;
    }
    return chance(calm ? 0 : 0.2)
        ? leading.get(random.nextInt(leading.size()))
        : leading.stream().max(Comparator.comparingLong(it -> it.epoch)).orElseThrow();
  }

  /** Runs it to the end of the job. */
  void run() {
    disks.forEach(it -> in(millis(0, 5000), () -> start(it)));
    tick(0);
    new Faults(this).begin();
    at(faultsUntilNanos, this::calm);
    while (!ensemble.isCompleted()) {
      Event event = events.remove();
      now = event.atNanos;
      event.action.run();
      if (now > faultsUntilNanos + BOUND_NANOS) {
        throw broken("the job has not ended:%n%s", status());
      }
    }
  }

  private String status() {
    List<String> lines = new ArrayList<>();
    coordinators.forEach(it -> lines.add(it.status()));
    running.values().forEach(it -> lines.add(it.toString()));
    lines.add("of %d steps, %s, record %s".formatted(stepCount, settings, ensemble.kept()));
    return String.join("\n", lines);
  }

  private void tick(long number) {
    boolean beats = number % 5 == 0;
    for (FakeCoordinator coordinator : coordinators) {
      if (!coordinator.paused) {
        coordinator.receive(() -> coordinator.tick(beats));
      }
    }
    for (FakeWorker worker : List.copyOf(running.values())) {
      if (!worker.paused) {
        worker.receive(() -> worker.tick(beats));
      }
    }
    if (calm) {
      coordinators.stream().filter(it -> it != elected).forEach(FakeCoordinator::stepDown);
    }
    elect();
    in(TICK_NANOS, () -> tick(number + 1));
  }

  private void elect() {
    FakeCoordinator holder = elected;
    boolean isFree = holder == null || !holder.isLeading();
    if (!isFree || electing || ensemble.away) {
      return;
    }
    electing = true;
    in(
        millis(200, 4000),
        () -> {
          electing = false;
          List<FakeCoordinator> able =
              coordinators.stream().filter(it -> it.alive && !it.paused).toList();
          if (!ensemble.away && !able.isEmpty()) {
            FakeCoordinator next = able.get(random.nextInt(able.size()));
            elected = next;
            ensemble.epoch++;
            trace("%s leads with epoch %d", next.name, ensemble.epoch);
            next.lead(ensemble, ensemble.epoch);
          }
        });
  }

  void start(FakeWorker.Disk disk) {
    FakeWorker old = running.get(disk);
    if (old != null && old.alive) {
      return;
    }
    String memberId = "m%d.%d".formatted(disks.indexOf(disk), processCount++);
    String replaces = chance(0.7) ? disk.lastMemberId : "";
    FakeWorker worker = new FakeWorker(this, memberId, disk, replaces);
    disk.lastMemberId = memberId;
    running.put(disk, worker);
    workers.put(memberId, worker);
    trace("%s starts", memberId);
  }

  /** No fault any more: what is broken mends. */
  private void calm() {
    trace("the faults end");
    calm = true;
    nasty = false;
    unknownWrites = 0;
    lostMessages = 0;
    doubledMessages = 0;
    failedCopies = 0;
    ensemble.away = false;
    cutUntilNanos.clear();
    cutOffUntilNanos.clear();
    coordinators.forEach(
        it -> {
          it.alive = true;
          it.resume();
        });
    running.values().forEach(FakeProcess::resume);
    heal();
  }

  /** Whoever is gone comes back, also later: one that was released, for instance. */
  private void heal() {
    disks.forEach(this::start);
    in(5_000 * MILLI, this::heal);
  }
}
