package io.pulmo.model.view;

import io.pulmo.model.view.ViewJournal.Kept;
import java.io.Serial;

/** A ZooKeeper ensemble: one versioned record, fenced by the newest leader's epoch. */
final class FakeEnsemble {
  private final Schedule schedule;
  private final Lineage lineage;
  boolean away;
  long epoch;
  private long version;
  private Kept kept = Kept.empty();
  private boolean completed;

  /** Ends a leader's office. */
  static final class WriteException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1;

    WriteException(String message) {
      super(message);
    }
  }

  FakeEnsemble(Schedule schedule, Lineage lineage) {
    this.schedule = schedule;
    this.lineage = lineage;
  }

  Kept kept() {
    return kept;
  }

  boolean isCompleted() {
    return completed;
  }

  /** The record as one leader writes it. */
  final class Journal implements ViewJournal {
    private final FakeCoordinator leader;
    private final long leaderEpoch;
    private long expected = version;
    private Kept current = kept;

    Journal(FakeCoordinator leader, long leaderEpoch) {
      this.leader = leader;
      this.leaderEpoch = leaderEpoch;
    }

    @Override
    public Kept current() {
      return current;
    }

    @Override
    public void write(Kept next) {
      conditionally(() -> put(next, leader));
      current = next;
    }

    /** Records that the job is over. */
    void complete(String digest) {
      conditionally(
          () -> {
            completed = true;
            lineage.completed(digest);
          });
    }

    private void conditionally(Runnable change) {
      long before = expected;
      if (away) {
        throw new WriteException("the ensemble is away");
      }
      if (schedule.chance(schedule.unknownWrites)) {
        if (schedule.chance(0.5)) {
          schedule.in(schedule.millis(0, 8000), () -> apply(before, change));
        }
        throw new WriteException("nobody knows what came of the write");
      }
      if (!apply(before, change)) {
        throw new WriteException("refused: the record or the epoch is newer");
      }
      expected = version;
    }

    private boolean apply(long before, Runnable change) {
      if (epoch != leaderEpoch || version != before) {
        return false;
      }
      version++;
      change.run();
      return true;
    }
  }

  private void put(Kept next, FakeCoordinator leader) {
    lineage.written(kept, next, leader);
    kept = next;
  }
}
