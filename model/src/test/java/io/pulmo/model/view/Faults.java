package io.pulmo.model.view;

import java.util.List;

/** What goes wrong in a schedule: one fault after the other, each mended in time. */
final class Faults {
  private static final long MILLI = 1_000_000;

  private final Schedule schedule;

  Faults(Schedule schedule) {
    this.schedule = schedule;
  }

  /** The first fault comes in a while. */
  void begin() {
    schedule.in(fault(), this::strike);
  }

  private long fault() {
    return (long) (-Math.log(1 - schedule.random.nextDouble()) * schedule.meanFaultMillis * MILLI);
  }

  /** One fault, and the next one later. */
  void strike() {
    if (schedule.isCalm()) {
      return;
    }
    schedule.in(fault(), this::strike);
    List<FakeWorker> living = schedule.running.values().stream().filter(it -> it.alive).toList();
    FakeCoordinator coordinator =
        schedule.coordinators.get(schedule.random.nextInt(schedule.coordinators.size()));
    if (living.isEmpty()) {
      return;
    }
    FakeWorker worker = living.get(schedule.random.nextInt(living.size()));
    switch (schedule.random.nextInt(18)) {
      case 0, 1, 2 -> kill(worker);
      case 3, 4 ->
          pause(
              worker,
              schedule.chance(0.2) ? schedule.millis(5_000, 100_000) : schedule.millis(10, 6_000));
      case 5 -> {
        FakeCoordinator leader = schedule.elected;
        kill(leader == null ? coordinator : leader);
      }
      case 6, 7 -> {
        FakeCoordinator leader = schedule.elected;
        pauseLeader(leader == null ? coordinator : leader);
      }
      case 8 -> supersede();
      case 9 -> {
        schedule.trace("the ensemble is away");
        schedule.ensemble().away = true;
        schedule.in(schedule.millis(100, 40_000), () -> schedule.ensemble().away = false);
      }
      case 10, 11 -> cut(worker, living.get(schedule.random.nextInt(living.size())));
      case 12 -> cutOff(worker, schedule.millis(100, 20_000));
      case 13 -> worker.breakStream();
      case 14 -> {
        schedule.trace("%s is told to leave", worker.memberId);
        worker.receive(worker::leave);
        schedule.in(schedule.millis(5_000, 60_000), () -> schedule.start(worker.disk));
      }
      case 15 -> schedule.coordinators.forEach(FakeCoordinator::reseat);
      case 16 -> {
        if (schedule.chance(0.4)) {
          catastrophe(living);
        }
      }
      case 17 -> corrupt(worker);
      default -> throw new AssertionError();
    }
  }

  private void kill(FakeWorker worker) {
    schedule.trace("%s is killed", worker.memberId);
    worker.die();
    schedule.in(
        schedule.chance(0.3) ? schedule.millis(10_000, 120_000) : schedule.millis(300, 10_000),
        () -> schedule.start(worker.disk));
  }

  private void kill(FakeCoordinator coordinator) {
    schedule.trace("%s is killed", coordinator.name);
    coordinator.die();
    schedule.in(
        schedule.millis(500, 20_000),
        () -> {
          coordinator.alive = true;
          coordinator.paused = false;
        });
  }

  private void pause(FakeProcess process, long nanos) {
    schedule.trace("%s is stopped", process);
    process.paused = true;
    schedule.in(nanos, process::resume);
  }

  /** Its session expires meanwhile; it believes that it leads until it learns better. */
  private void pauseLeader(FakeCoordinator leader) {
    schedule.trace("%s is stopped", leader.name);
    leader.paused = true;
    long nanos = schedule.millis(100, 20_000);
    schedule.in(nanos, leader::resume);
    if (nanos > 6_000 * MILLI && schedule.elected == leader) {
      long epoch = leader.epoch;
      schedule.in(
          6_000 * MILLI,
          () -> {
            if (schedule.elected == leader && leader.epoch == epoch) {
              schedule.elected = null;
            }
          });
      expire(leader, nanos + schedule.millis(0, 3_000));
    }
  }

  private void supersede() {
    FakeCoordinator leader = schedule.elected;
    if (leader != null) {
      schedule.trace("%s loses the election and does not know it", leader.name);
      schedule.elected = null;
      expire(leader, schedule.millis(0, 10_000));
    }
  }

  private void expire(FakeCoordinator leader, long afterNanos) {
    long epoch = leader.epoch;
    schedule.in(
        afterNanos,
        () ->
            leader.receive(
                () -> {
                  if (leader.epoch == epoch && schedule.elected != leader) {
                    leader.stepDown();
                  }
                }));
  }

  private void cut(FakeWorker a, FakeWorker b) {
    if (a != b) {
      schedule.trace("the link between %s and %s is cut", a.memberId, b.memberId);
      String link =
          a.memberId.compareTo(b.memberId) < 0
              ? a.memberId + " " + b.memberId
              : b.memberId + " " + a.memberId;
      schedule.cutUntilNanos.put(
          link,
          schedule.now()
              + (schedule.chance(0.3) ? schedule.millis(0, 100_000) : schedule.millis(0, 8_000)));
    }
  }

  private void cutOff(FakeWorker worker, long nanos) {
    schedule.trace(
        "%s is cut off from the schedule.coordinators for %.1f s", worker.memberId, nanos / 1e9);
    schedule.cutOffUntilNanos.put(worker.memberId, schedule.now() + nanos);
  }

  /** All at once: dead, stopped, or cut off for longer than anybody is patient. */
  private void catastrophe(List<FakeWorker> living) {
    int kind = schedule.random.nextInt(4);
    long nanos = schedule.millis(1_000, 100_000);
    for (FakeWorker worker : living) {
      switch (kind) {
        case 0 -> kill(worker);
        case 1 -> pause(worker, nanos);
        default -> cutOff(worker, nanos);
      }
    }
    if (kind == 3 && !schedule.disks.isEmpty()) {
      FakeWorker spared = living.get(schedule.random.nextInt(living.size()));
      kill(spared);
    }
  }

  private void corrupt(FakeWorker worker) {
    List<FakeWorker.Saved> saved = List.copyOf(worker.disk.checkpoints.values());
    if (!saved.isEmpty()) {
      FakeWorker.Saved newest = saved.getLast();
      boolean isElsewhere =
          schedule.disks.stream()
              .filter(it -> it != worker.disk)
              .map(it -> it.checkpoints.get(newest.published().sha256()))
              .anyMatch(it -> it != null && !it.isCorrupt());
      if (isElsewhere) {
        worker.disk.checkpoints.put(
            newest.published().sha256(),
            new FakeWorker.Saved(newest.published(), newest.state(), true));
      }
    }
  }
}
