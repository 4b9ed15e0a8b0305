package io.pulmo.worker;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.worker.rpc.Orders;
import io.pulmo.worker.rpc.Reports;
import io.pulmo.worker.rpc.RunOrder;
import org.jspecify.annotations.Nullable;

/** A worker's runs: one at a time, by order of the newest leader. */
final class Runs implements Orders, AutoCloseable {
  private static final long CLOSE_MILLIS = 3_000;

  private final Workplace workplace;
  private final Reports reports;

  @GuardedBy("this")
  private long highestEpoch;

  @GuardedBy("this")
  private @Nullable TrainingRun current;

  Runs(Workplace workplace, Reports reports) {
    this.workplace = workplace;
    this.reports = reports;
  }

  @Override
  public synchronized boolean heard(long leaderEpoch) {
    if (leaderEpoch < highestEpoch) {
      return false;
    }
    highestEpoch = leaderEpoch;
    return true;
  }

  @Override
  public synchronized void start(RunOrder order) {
    if (!heard(order.leaderEpoch())) {
      reports.refused(
          order,
          "worker %s refused the run: it was ordered in leader epoch %d, and %d has been heard"
              .formatted(workplace.name(), order.leaderEpoch(), highestEpoch));
      return;
    }
    TrainingRun before = current;
    if (before != null) {
      if (before.order().is(order.jobId(), order.view())) {
        return;
      }
      before.abandon("another run was ordered");
    }
    TrainingRun run = new TrainingRun(order, workplace, reports, before);
    current = run;
    run.start();
  }

  @Override
  public synchronized void stop(String jobId, long view, String reason) {
    if (current != null && current.order().is(jobId, view)) {
      current.stop(reason);
    }
  }

  @Override
  public synchronized void abandon(String reason) {
    if (current != null) {
      current.abandon(reason);
    }
  }

  /** Stops what runs and waits a moment for its end. */
  @Override
  public void close() {
    TrainingRun last;
    synchronized (this) {
      last = current;
    }
    if (last == null) {
      return;
    }
    last.abandon("the worker is closing");
    try {
      last.awaitEnd(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
