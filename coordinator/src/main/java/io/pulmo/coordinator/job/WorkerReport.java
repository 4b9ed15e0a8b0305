package io.pulmo.coordinator.job;

import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.ViewJournal;
import java.util.List;
import java.util.Optional;

/** What a worker tells the leader about a job. */
public sealed interface WorkerReport {
  /** The job that it is about. */
  String jobId();

  /**
   * It can take part.
   *
   * @param jobId the job
   * @param holding its state, if it has one
   * @param enteredView the highest that it has entered, 0 for none
   * @param promisedView the highest that it has promised, 0 for none
   * @param onDisk checkpoints that it has, the newest first
   * @param images which of the job's images it holds, as a short {@link
   *     io.pulmo.model.data.ImageManifest}; empty if it does not tell
   */
  record Enlisted(
      String jobId,
      Optional<Holding> holding,
      long enteredView,
      long promisedView,
      List<ViewJournal.Published> onDisk,
      byte[] images)
      implements WorkerReport {}

  /** It has promised a view. */
  record Promised(String jobId, Answer.Promised answer) implements WorkerReport {}

  /**
   * It does not do what it was told.
   *
   * @param jobId the job
   * @param view of the order
   * @param answer why
   */
  record Refused(String jobId, long view, Answer.Refused answer) implements WorkerReport {}

  /** It has put a state in place for a view. */
  record Adopted(String jobId, long view, Holding holding, long millis) implements WorkerReport {}

  /** It could not put a state in place for a view. */
  record NotAdopted(String jobId, long view, String error) implements WorkerReport {}

  /** It has entered a view. */
  record Installed(String jobId, long view) implements WorkerReport {}

  /**
   * It cannot go on in a view.
   *
   * @param jobId the job
   * @param view that it is in
   * @param error what happened
   * @param culpritId the neighbour that was lost, empty if none
   */
  record Stalled(String jobId, long view, String error, String culpritId) implements WorkerReport {}

  /**
   * It has applied a step.
   *
   * @param jobId the job
   * @param label of its state now
   * @param digest of that state, in some reports
   * @param progress how far training is
   * @param pace where its time goes
   */
  record Stepped(
      String jobId, Label label, Optional<String> digest, JobRecord.Progress progress, Pace pace)
      implements WorkerReport {}

  /**
   * Where a member's time goes: means over the last steps of its view.
   *
   * @param computeMillis a step, forward and backward
   * @param dataMillis a step, waiting for images
   * @param ringMillis a step, in the ring
   * @param applyMillis a step, the optimizer
   * @param samplesAStep of this member
   */
  record Pace(
      double computeMillis,
      double dataMillis,
      double ringMillis,
      double applyMillis,
      double samplesAStep) {
    /** Of its own computing; 0 while unknown. */
    double samplesPerSecond() {
      double millis = computeMillis + dataMillis;
      return millis > 0 ? samplesAStep * 1000 / millis : 0;
    }
  }

  /** A checkpoint is on its disk. */
  record CheckpointHeld(String jobId, ViewJournal.Published checkpoint) implements WorkerReport {}

  /** It could not write a checkpoint. */
  record CheckpointFailed(String jobId, Label label, String error) implements WorkerReport {}

  /**
   * An epoch was validated.
   *
   * @param jobId the job
   * @param epoch the figures
   */
  record Judged(String jobId, JobRecord.Epoch epoch) implements WorkerReport {}

  /**
   * The last epoch is over.
   *
   * @param jobId the job
   * @param holding the final state
   * @param manifest SHA-256 of the bundle's, from rank 0 once it has exported; else empty
   */
  record Ended(String jobId, Holding holding, String manifest) implements WorkerReport {}

  /**
   * The job cannot succeed.
   *
   * @param jobId the job
   * @param error why
   * @param mineAlone whether only this member cannot take part
   */
  record Failed(String jobId, String error, boolean mineAlone) implements WorkerReport {}
}
