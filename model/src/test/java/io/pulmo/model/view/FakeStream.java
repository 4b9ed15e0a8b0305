package io.pulmo.model.view;

import java.util.function.Consumer;

/** A control stream between a worker and a coordinator, over a network that may do it harm. */
final class FakeStream {
  private static final long SILENCE_NANOS = 2_000_000_000L;

  final FakeWorker worker;
  final FakeCoordinator coordinator;
  private final Schedule schedule;
  private boolean openAtWorker = true;
  private boolean openAtCoordinator = true;

  /** Something was not sent: nothing comes after it either. */
  private boolean mute;

  private long heardByWorkerNanos;
  private long heardByCoordinatorNanos;
  private long lastToWorkerNanos;
  private long lastToCoordinatorNanos;

  FakeStream(Schedule schedule, FakeWorker worker, FakeCoordinator coordinator) {
    this.schedule = schedule;
    this.worker = worker;
    this.coordinator = coordinator;
    heardByWorkerNanos = schedule.now();
    heardByCoordinatorNanos = schedule.now();
  }

  void toWorker(Consumer<FakeWorker> message) {
    if (isBroken()) {
      return;
    }
    long at = schedule.isNasty() ? 0 : lastToWorkerNanos;
    lastToWorkerNanos = Math.max(at, schedule.now() + schedule.delayNanos());
    Runnable arrival =
        () ->
            worker.receive(
                () -> {
                  if (openAtWorker) {
                    heardByWorkerNanos = schedule.now();
                    message.accept(worker);
                  }
                });
    send(arrival, lastToWorkerNanos);
  }

  void toCoordinator(Consumer<FakeCoordinator> message) {
    if (isBroken()) {
      return;
    }
    long at = schedule.isNasty() ? 0 : lastToCoordinatorNanos;
    lastToCoordinatorNanos = Math.max(at, schedule.now() + schedule.delayNanos());
    Runnable arrival =
        () ->
            coordinator.receive(
                () -> {
                  if (openAtCoordinator && coordinator.isLeading()) {
                    heardByCoordinatorNanos = schedule.now();
                    message.accept(coordinator);
                  }
                });
    send(arrival, lastToCoordinatorNanos);
  }

  private void send(Runnable arrival, long atNanos) {
    if (schedule.chance(schedule.lostMessages)) {
      breakDown();
      return;
    }
    schedule.at(atNanos, arrival);
    if (schedule.chance(schedule.doubledMessages)) {
      schedule.at(atNanos + schedule.delayNanos(), arrival);
    }
  }

  private boolean isBroken() {
    mute |= schedule.isCutOff(worker);
    return !openAtWorker || !openAtCoordinator || mute;
  }

  /** Both ends notice, one after the other. */
  void breakDown() {
    schedule.in(schedule.delayNanos(), () -> worker.receive(this::closeAtWorker));
    schedule.in(schedule.delayNanos(), () -> coordinator.receive(this::closeAtCoordinator));
  }

  void closeAtWorker() {
    if (openAtWorker) {
      openAtWorker = false;
      worker.detached(this);
      schedule.in(schedule.delayNanos(), () -> coordinator.receive(this::closeAtCoordinator));
    }
  }

  void closeAtCoordinator() {
    if (openAtCoordinator) {
      openAtCoordinator = false;
      coordinator.detached(this);
      schedule.in(schedule.delayNanos(), () -> worker.receive(this::closeAtWorker));
    }
  }

  void checkAtWorker() {
    if (schedule.now() - heardByWorkerNanos > SILENCE_NANOS) {
      closeAtWorker();
    }
  }

  void checkAtCoordinator() {
    if (schedule.now() - heardByCoordinatorNanos > SILENCE_NANOS) {
      closeAtCoordinator();
    }
  }
}
