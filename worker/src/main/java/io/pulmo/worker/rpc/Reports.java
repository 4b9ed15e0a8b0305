package io.pulmo.worker.rpc;

import com.google.protobuf.UnsafeByteOperations;
import io.pulmo.model.data.ImageManifest;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.ViewJournal.Published;
import io.pulmo.proto.Adopted;
import io.pulmo.proto.CheckpointHeld;
import io.pulmo.proto.Enlisted;
import io.pulmo.proto.EpochReport;
import io.pulmo.proto.Installed;
import io.pulmo.proto.JobFailed;
import io.pulmo.proto.Leaving;
import io.pulmo.proto.Promised;
import io.pulmo.proto.Refused;
import io.pulmo.proto.RunId;
import io.pulmo.proto.Stalled;
import io.pulmo.proto.TrainingEnded;
import io.pulmo.proto.WorkerMessage;
import io.pulmo.worker.checkpoint.CheckpointFolder;
import io.pulmo.worker.train.Judgement;
import io.pulmo.worker.train.StepReport;
import java.util.List;
import java.util.Optional;

/** What a worker tells the leader; no method waits, and without a leader nothing is kept. */
public final class Reports {
  private static final int LONGEST_ERROR = 2_000;

  private final Outbox outbox;

  Reports(Outbox outbox) {
    this.outbox = outbox;
  }

  private void add(WorkerMessage.Builder message) {
    outbox.add(message.build());
  }

  /** Takes part in a job, and what of it is here. */
  public void enlisted(
      String jobId,
      Optional<Holding> holding,
      long enteredView,
      long promisedView,
      List<CheckpointFolder.Held> checkpoints,
      ImageManifest images) {
    Enlisted.Builder enlisted =
        Enlisted.newBuilder()
            .setJobId(jobId)
            .setEnteredView(enteredView)
            .setPromisedView(promisedView)
            .setImages(UnsafeByteOperations.unsafeWrap(images.encoded()));
    holding.ifPresent(held -> enlisted.setHolding(Wire.holding(held)));
    checkpoints.forEach(one -> enlisted.addCheckpoints(held(jobId, one)));
    add(WorkerMessage.newBuilder().setEnlisted(enlisted));
  }

  /** Has promised a view. */
  public void promised(String jobId, Answer.Promised promised) {
    Promised.Builder message =
        Promised.newBuilder()
            .setJobId(jobId)
            .setView(promised.view())
            .setEnteredView(promised.enteredView());
    promised.holding().ifPresent(held -> message.setHolding(Wire.holding(held)));
    add(WorkerMessage.newBuilder().setPromised(message));
  }

  /** Does not carry out an order. */
  public void refused(String jobId, long view, Answer.Refused refused) {
    add(
        WorkerMessage.newBuilder()
            .setRefused(
                Refused.newBuilder()
                    .setJobId(jobId)
                    .setView(view)
                    .setHighestEpoch(refused.highestEpoch())
                    .setPromisedView(refused.promisedView())
                    .setReason(shortened(refused.why()))));
  }

  /** A state is in place. */
  public void adopted(String jobId, long view, Holding holding, long millis) {
    add(
        WorkerMessage.newBuilder()
            .setAdopted(
                Adopted.newBuilder()
                    .setJobId(jobId)
                    .setView(view)
                    .setHolding(Wire.holding(holding))
                    .setMillis(millis)));
  }

  /** A state could not be put in place. */
  public void adoptFailed(String jobId, long view, String error) {
    add(
        WorkerMessage.newBuilder()
            .setAdopted(
                Adopted.newBuilder().setJobId(jobId).setView(view).setError(shortened(error))));
  }

  /** Has entered a view. */
  public void installed(String jobId, long view) {
    add(
        WorkerMessage.newBuilder()
            .setInstalled(Installed.newBuilder().setJobId(jobId).setView(view)));
  }

  /**
   * Cannot go on in its view.
   *
   * @param culpritMemberId the neighbour that was lost; empty if none
   */
  public void stalled(String jobId, long view, String error, String culpritMemberId) {
    add(
        WorkerMessage.newBuilder()
            .setStalled(
                Stalled.newBuilder()
                    .setJobId(jobId)
                    .setView(view)
                    .setError(shortened(error))
                    .setCulpritMemberId(culpritMemberId)));
  }

  /** A step was taken. */
  public void stepped(String jobId, StepReport report) {
    WorkerMessage message =
        WorkerMessage.newBuilder()
            .setStepped(
                io.pulmo.proto.StepReport.newBuilder()
                    .setJobId(jobId)
                    .setLabel(Wire.label(report.label()))
                    .setStepsTotal(report.stepsTotal())
                    .setEpoch(report.epoch())
                    .setLoss(report.loss())
                    .setSamplesPerSecond(report.samplesPerSecond())
                    .setSamplesComputed(report.samplesComputed())
                    .setStepsComputed(report.stepsComputed())
                    .setDigest(report.digest().orElse(""))
                    .setComputeMillis(report.pace().compute())
                    .setDataMillis(report.pace().data())
                    .setRingMillis(report.pace().ring())
                    .setApplyMillis(report.pace().apply())
                    .setSamplesAStep(report.pace().samples()))
            .build();
    if (report.digest().isPresent()) {
      outbox.add(message);
    } else {
      outbox.progress(message);
    }
  }

  /** An epoch was judged. */
  public void judged(String jobId, long view, Judgement judgement) {
    add(
        WorkerMessage.newBuilder()
            .setEpoch(
                EpochReport.newBuilder()
                    .setRun(RunId.newBuilder().setJobId(jobId).setView(view))
                    .setEpoch(judgement.epoch())
                    .setAucMean(judgement.aucMean())
                    .addAllAuc(judgement.auc())
                    .setLoss(judgement.loss())
                    .setBest(judgement.best())));
  }

  /** A checkpoint is on the disk. */
  public void checkpoint(String jobId, CheckpointFolder.Held checkpoint) {
    add(WorkerMessage.newBuilder().setCheckpoint(held(jobId, checkpoint)));
  }

  /** A checkpoint could not be written; the job goes on. */
  public void checkpointFailed(String jobId, Label label, String error) {
    add(
        WorkerMessage.newBuilder()
            .setCheckpoint(
                CheckpointHeld.newBuilder()
                    .setJobId(jobId)
                    .setHolding(Wire.holding(new Holding(label, "")))
                    .setError(shortened(error))));
  }

  private static CheckpointHeld held(String jobId, CheckpointFolder.Held held) {
    Published checkpoint = held.published();
    return CheckpointHeld.newBuilder()
        .setJobId(jobId)
        .setHolding(Wire.holding(new Holding(checkpoint.label(), checkpoint.digest())))
        .setSha256(checkpoint.sha256())
        .setBytes(held.bytes())
        .setBestAuc(checkpoint.bestAuc())
        .build();
  }

  /** The worker wants to leave. */
  public void leaving() {
    add(WorkerMessage.newBuilder().setLeaving(Leaving.getDefaultInstance()));
  }

  /**
   * The last epoch is over.
   *
   * @param manifestSha256 of the bundle; empty from all but rank 0, and until it has exported
   */
  public void ended(String jobId, Holding holding, String manifestSha256) {
    add(
        WorkerMessage.newBuilder()
            .setEnded(
                TrainingEnded.newBuilder()
                    .setJobId(jobId)
                    .setHolding(Wire.holding(holding))
                    .setBundleManifestSha256(manifestSha256)));
  }

  /** The job cannot succeed, or not here. */
  public void failed(String jobId, String error, boolean mineAlone) {
    add(
        WorkerMessage.newBuilder()
            .setJobFailed(
                JobFailed.newBuilder()
                    .setJobId(jobId)
                    .setError(shortened(error))
                    .setMineAlone(mineAlone)));
  }

  private static String shortened(String error) {
    return error.length() <= LONGEST_ERROR ? error : error.substring(0, LONGEST_ERROR) + "...";
  }
}
