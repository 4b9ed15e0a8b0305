package io.pulmo.coordinator.job;

import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import java.util.List;

/** What a leader tells a worker. */
public sealed interface Order {
  /**
   * Make ready for a job.
   *
   * @param jobId the job
   * @param yaml JOB.yaml as submitted
   * @param files that came with it
   */
  record Enlist(String jobId, String yaml, List<JobRecord.File> files) implements Order {}

  /**
   * Forget a job.
   *
   * @param jobId the job
   * @param reason for the log
   */
  record Discharge(String jobId, String reason) implements Order {}

  /** Stop for good in every view below. */
  record Prepare(String jobId, long view) implements Order {}

  /**
   * Copy a state.
   *
   * @param jobId the job
   * @param view that it is for
   * @param what the state must be
   * @param from who holds it
   */
  record Copy(String jobId, long view, Holding what, Seat from) implements Order {}

  /**
   * Load a checkpoint.
   *
   * @param jobId the job
   * @param view that it is for
   * @param what the checkpoint
   * @param holders who has its file
   */
  record Restore(String jobId, long view, ViewJournal.Published what, List<Seat> holders)
      implements Order {}

  /** Make the state before the first step. */
  record Start(String jobId, long view) implements Order {}

  /**
   * Enter a view.
   *
   * @param jobId the job
   * @param view to enter
   * @param restores of the job so far, the oldest first
   */
  record Install(String jobId, View view, List<ViewJournal.Restore> restores) implements Order {}

  /**
   * Keep the files of the published checkpoints.
   *
   * @param jobId the job
   * @param sha256 of each
   */
  record Keep(String jobId, List<String> sha256) implements Order {}

  /** The worker that is leaving may go. */
  record Released() implements Order {}
}
