package io.pulmo.coordinator.job;

import io.pulmo.coordinator.ring.RingPlan;
import java.util.List;

/** What the leader can tell one worker. Neither call waits. */
public interface WorkerLine {
  /**
   * The order to take part in an attempt of a job.
   *
   * @param jobId the job
   * @param view the attempt
   * @param yaml JOB.yaml as submitted
   * @param files that came with it
   * @param plan all members
   * @param rank the receiver's seat
   */
  record Order(
      String jobId, long view, String yaml, List<JobRecord.File> files, RingPlan plan, int rank) {}

  /** Tells the worker to train. */
  void start(Order order);

  /** Tells the worker to give an attempt up. */
  void stop(String jobId, long view, String reason);
}
