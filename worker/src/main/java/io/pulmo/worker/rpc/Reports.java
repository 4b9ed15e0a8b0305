package io.pulmo.worker.rpc;

import io.pulmo.proto.EpochReport;
import io.pulmo.proto.Progress;
import io.pulmo.proto.RunCompleted;
import io.pulmo.proto.RunFailed;
import io.pulmo.proto.RunId;
import io.pulmo.proto.WorkerMessage;
import io.pulmo.worker.train.Judgement;
import io.pulmo.worker.train.StepReport;

/** What a run tells the leader. */
public final class Reports {
  private static final int LONGEST_ERROR = 2_000;

  private final Outbox outbox;

  Reports(Outbox outbox) {
    this.outbox = outbox;
  }

  /** A step was taken; does not wait. */
  public void stepped(RunOrder order, StepReport report) {
    outbox.progress(
        WorkerMessage.newBuilder()
            .setProgress(
                Progress.newBuilder()
                    .setRun(id(order))
                    .setStep(report.step())
                    .setStepsTotal(report.stepsTotal())
                    .setEpoch(report.epoch())
                    .setLoss(report.loss())
                    .setSamplesPerSecond(report.samplesPerSecond())
                    .setSamplesComputed(report.samplesComputed())
                    .setStepsComputed(report.stepsComputed()))
            .build());
  }

  /** An epoch was judged. */
  public void judged(RunOrder order, Judgement judgement) throws InterruptedException {
    outbox.add(
        WorkerMessage.newBuilder()
            .setEpoch(
                EpochReport.newBuilder()
                    .setRun(id(order))
                    .setEpoch(judgement.epoch())
                    .setAucMean(judgement.aucMean())
                    .addAllAuc(judgement.auc())
                    .setLoss(judgement.loss())
                    .setBest(judgement.best()))
            .build());
  }

  /**
   * The run is finished.
   *
   * @param stateDigest of the training state
   * @param manifestSha256 of the bundle; empty from all but rank 0
   */
  public void completed(RunOrder order, String stateDigest, String manifestSha256)
      throws InterruptedException {
    outbox.add(
        WorkerMessage.newBuilder()
            .setCompleted(
                RunCompleted.newBuilder()
                    .setRun(id(order))
                    .setStateDigest(stateDigest)
                    .setBundleManifestSha256(manifestSha256))
            .build());
  }

  /**
   * The run has failed or was stopped.
   *
   * @param culpritMemberId the neighbour that was lost; empty if none
   */
  public void failed(RunOrder order, String error, String culpritMemberId, boolean stopped)
      throws InterruptedException {
    outbox.add(failure(id(order), error, culpritMemberId, stopped));
  }

  /** An order that is not carried out; does not wait, and is dropped if too much is to be told. */
  void refused(RunId run, String error) {
    outbox.offer(failure(run, error, "", false));
  }

  private static WorkerMessage failure(
      RunId run, String error, String culpritMemberId, boolean stopped) {
    return WorkerMessage.newBuilder()
        .setFailed(
            RunFailed.newBuilder()
                .setRun(run)
                .setError(
                    error.length() <= LONGEST_ERROR
                        ? error
                        : error.substring(0, LONGEST_ERROR) + "...")
                .setCulpritMemberId(culpritMemberId)
                .setStopped(stopped))
        .build();
  }

  /** An order that is not carried out, likewise. */
  public void refused(RunOrder order, String error) {
    refused(id(order), error);
  }

  private static RunId id(RunOrder order) {
    return RunId.newBuilder().setJobId(order.jobId()).setView(order.view()).build();
  }
}
