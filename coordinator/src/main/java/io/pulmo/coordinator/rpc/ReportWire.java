package io.pulmo.coordinator.rpc;

import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.Pulse;
import io.pulmo.coordinator.job.WorkerReport;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.proto.Adopted;
import io.pulmo.proto.CheckpointHeld;
import io.pulmo.proto.Enlisted;
import io.pulmo.proto.EpochReport;
import io.pulmo.proto.Heartbeat;
import io.pulmo.proto.JobFailed;
import io.pulmo.proto.Promised;
import io.pulmo.proto.Refused;
import io.pulmo.proto.Stalled;
import io.pulmo.proto.StateHolding;
import io.pulmo.proto.StateLabel;
import io.pulmo.proto.StepReport;
import io.pulmo.proto.TrainingEnded;
import io.pulmo.proto.WorkerMessage;
import java.util.List;
import java.util.Optional;

/** From a worker's messages to what they report; what comes in is checked field by field. */
final class ReportWire {
  private static final int MOST_CHECKPOINTS = 16;
  private static final int MOST_DISEASES = 64;
  private static final int LONGEST_ID = 128;

  private ReportWire() {}

  /** A message about a job; nothing for the others. */
  static Optional<WorkerReport> report(WorkerMessage message) {
    return switch (message.getKindCase()) {
      case EPOCH -> Optional.of(judged(message.getEpoch()));
      case ENLISTED -> Optional.of(enlisted(message.getEnlisted()));
      case PROMISED -> Optional.of(promised(message.getPromised()));
      case REFUSED -> Optional.of(refused(message.getRefused()));
      case ADOPTED -> Optional.of(adopted(message.getAdopted()));
      case INSTALLED ->
          Optional.of(
              new WorkerReport.Installed(
                  job(message.getInstalled().getJobId()),
                  Wire.count("view", message.getInstalled().getView())));
      case STALLED -> Optional.of(stalled(message.getStalled()));
      case CHECKPOINT -> Optional.of(checkpoint(message.getCheckpoint()));
      case STEPPED -> Optional.of(stepped(message.getStepped()));
      case ENDED -> Optional.of(ended(message.getEnded()));
      case JOB_FAILED -> Optional.of(failed(message.getJobFailed()));
      default -> Optional.empty();
    };
  }

  /** What a heartbeat says, heard at that moment. */
  static Pulse pulse(Heartbeat heartbeat, long nowNanos) {
    // More than a day is as good as a day, and cannot overflow.
    long waiting = Math.clamp(heartbeat.getWaitingMillis(), 0, 86_400_000);
    return new Pulse(
        job(heartbeat.getJobId()),
        heartbeat.getView(),
        heartbeat.getStep(),
        switch (heartbeat.getActivity()) {
          case ACTIVITY_PREPARING -> Pulse.Activity.PREPARING;
          case ACTIVITY_IDLE -> Pulse.Activity.IDLE;
          case ACTIVITY_DATA -> Pulse.Activity.DATA;
          case ACTIVITY_COMPUTING -> Pulse.Activity.COMPUTING;
          case ACTIVITY_RING -> Pulse.Activity.RING;
          case ACTIVITY_APPLYING -> Pulse.Activity.APPLYING;
          case ACTIVITY_VALIDATING -> Pulse.Activity.VALIDATING;
          case ACTIVITY_EXPORTING -> Pulse.Activity.EXPORTING;
          case ACTIVITY_UNSPECIFIED, UNRECOGNIZED -> Pulse.Activity.UNKNOWN;
        },
        Wire.text(heartbeat.getWaitingOnMemberId(), LONGEST_ID),
        nowNanos - waiting * 1_000_000);
  }

  private static WorkerReport judged(EpochReport report) {
    if (report.getAucCount() > MOST_DISEASES) {
      throw Wire.invalid("auc has " + report.getAucCount() + " values: expected one a disease");
    }
    return new WorkerReport.Judged(
        job(report.getRun().getJobId()),
        new JobRecord.Epoch(
            (int) Wire.count("epoch", report.getEpoch()),
            Wire.count("view", report.getRun().getView()),
            report.getAucMean(),
            report.getAucList(),
            report.getLoss(),
            report.getBest()));
  }

  private static WorkerReport enlisted(Enlisted enlisted) {
    if (enlisted.getCheckpointsCount() > MOST_CHECKPOINTS) {
      throw Wire.invalid(
          "checkpoints has %d entries: expected at most %d"
              .formatted(enlisted.getCheckpointsCount(), MOST_CHECKPOINTS));
    }
    List<ViewJournal.Published> onDisk =
        enlisted.getCheckpointsList().stream().map(ReportWire::published).toList();
    return new WorkerReport.Enlisted(
        job(enlisted.getJobId()),
        enlisted.hasHolding() ? Optional.of(holding(enlisted.getHolding())) : Optional.empty(),
        Wire.count("entered_view", enlisted.getEnteredView()),
        Wire.count("promised_view", enlisted.getPromisedView()),
        onDisk,
        enlisted.getImages().toByteArray());
  }

  private static WorkerReport promised(Promised promised) {
    return new WorkerReport.Promised(
        job(promised.getJobId()),
        new Answer.Promised(
            Wire.count("view", promised.getView()),
            promised.hasHolding() ? Optional.of(holding(promised.getHolding())) : Optional.empty(),
            Wire.count("entered_view", promised.getEnteredView())));
  }

  private static WorkerReport refused(Refused refused) {
    return new WorkerReport.Refused(
        job(refused.getJobId()),
        Wire.count("view", refused.getView()),
        new Answer.Refused(
            Wire.count("highest_epoch", refused.getHighestEpoch()),
            Wire.count("promised_view", refused.getPromisedView()),
            Wire.text(refused.getReason(), Wire.LONGEST_TEXT)));
  }

  private static WorkerReport adopted(Adopted adopted) {
    String job = job(adopted.getJobId());
    long view = Wire.count("view", adopted.getView());
    return adopted.getError().isEmpty()
        ? new WorkerReport.Adopted(
            job, view, holding(adopted.getHolding()), Wire.count("millis", adopted.getMillis()))
        : new WorkerReport.NotAdopted(job, view, Wire.text(adopted.getError(), Wire.LONGEST_TEXT));
  }

  private static WorkerReport stalled(Stalled stalled) {
    return new WorkerReport.Stalled(
        job(stalled.getJobId()),
        Wire.count("view", stalled.getView()),
        Wire.text(stalled.getError(), Wire.LONGEST_TEXT),
        Wire.text(stalled.getCulpritMemberId(), LONGEST_ID));
  }

  private static WorkerReport checkpoint(CheckpointHeld held) {
    return held.getError().isEmpty()
        ? new WorkerReport.CheckpointHeld(job(held.getJobId()), published(held))
        : new WorkerReport.CheckpointFailed(
            job(held.getJobId()),
            label(held.getHolding().getLabel()),
            Wire.text(held.getError(), Wire.LONGEST_TEXT));
  }

  private static ViewJournal.Published published(CheckpointHeld held) {
    Holding holding = holding(held.getHolding());
    return new ViewJournal.Published(
        holding.label(),
        Wire.blobName("checkpoint.sha256", held.getSha256()),
        holding.digest(),
        held.getBestAuc());
  }

  private static WorkerReport stepped(StepReport report) {
    Label label = label(report.getLabel());
    return new WorkerReport.Stepped(
        job(report.getJobId()),
        label,
        report.getDigest().isEmpty()
            ? Optional.empty()
            : Optional.of(Wire.digest(report.getDigest())),
        new JobRecord.Progress(
            label.view(),
            label.step(),
            Wire.count("steps_total", report.getStepsTotal()),
            (int) Wire.count("epoch", report.getEpoch()),
            report.getLoss(),
            report.getSamplesPerSecond(),
            Wire.count("samples_computed", report.getSamplesComputed()),
            Wire.count("steps_computed", report.getStepsComputed())),
        new WorkerReport.Pace(
            report.getComputeMillis(),
            report.getDataMillis(),
            report.getRingMillis(),
            report.getApplyMillis(),
            report.getSamplesAStep()));
  }

  private static WorkerReport ended(TrainingEnded ended) {
    String manifest = ended.getBundleManifestSha256();
    return new WorkerReport.Ended(
        job(ended.getJobId()),
        holding(ended.getHolding()),
        manifest.isEmpty() ? "" : Wire.blobName("bundle_manifest_sha256", manifest));
  }

  private static WorkerReport failed(JobFailed failed) {
    return new WorkerReport.Failed(
        job(failed.getJobId()),
        Wire.text(failed.getError(), Wire.LONGEST_TEXT),
        failed.getMineAlone());
  }

  private static String job(String id) {
    return Wire.text(id, LONGEST_ID);
  }

  private static Holding holding(StateHolding holding) {
    return new Holding(label(holding.getLabel()), Wire.digest(holding.getDigest()));
  }

  private static Label label(StateLabel label) {
    return new Label(
        Wire.count("label.view", label.getView()), Wire.count("label.step", label.getStep()));
  }
}
