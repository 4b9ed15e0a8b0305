package io.pulmo.coordinator.job;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** Where a job is in its life. */
public enum JobState {
  /** Waits for its workers, or for the job before it. */
  QUEUED,
  /** Its workers train. */
  RUNNING,
  /** Its bundle is there. */
  COMPLETED,
  /** It ended without a bundle; the detail says why. */
  FAILED,
  /** A user ended it. */
  CANCELLED;

  private static final Map<JobState, Set<JobState>> LEGAL =
      new EnumMap<>(
          Map.of(
              QUEUED, EnumSet.of(RUNNING, FAILED, CANCELLED),
              RUNNING, EnumSet.of(COMPLETED, FAILED, CANCELLED),
              COMPLETED, EnumSet.noneOf(JobState.class),
              FAILED, EnumSet.noneOf(JobState.class),
              CANCELLED, EnumSet.noneOf(JobState.class)));

  /** Whether a job may go from this state to that. */
  public boolean mayBecome(JobState next) {
    return legal().contains(next);
  }

  /** Whether nothing follows. */
  public boolean ended() {
    return legal().isEmpty();
  }

  private Set<JobState> legal() {
    return LEGAL.getOrDefault(this, Set.of());
  }
}
