package io.pulmo.coordinator.job;

import io.pulmo.model.job.JobSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One job as its leader holds it; what it holds goes into the journal as a {@link JobRecord}. */
final class Job {
  /** The newest epochs that a record keeps, so that it fits a ZooKeeper node. */
  static final int MOST_EPOCHS = 500;

  private final JobRecord submitted;
  private final @Nullable JobSpec spec;
  private JobState state;
  private String detail;
  private long startedAtMillis;
  private long endedAtMillis;
  private long view;
  private List<JobRecord.Participant> members;
  private JobRecord.@Nullable Progress progress;
  private final List<JobRecord.Epoch> epochs;
  private String bundleManifestSha256;

  /** Takes a job up from its record; the specification is there unless the job has ended. */
  Job(JobRecord record, @Nullable JobSpec spec) {
    this.submitted = record;
    this.spec = spec;
    this.state = record.state();
    this.detail = record.detail();
    this.startedAtMillis = record.startedAtMillis();
    this.endedAtMillis = record.endedAtMillis();
    this.view = record.view();
    this.members = record.members();
    this.progress = record.progress();
    this.epochs = new ArrayList<>(record.epochs());
    this.bundleManifestSha256 = record.bundleManifestSha256();
  }

  String id() {
    return submitted.id();
  }

  long sequence() {
    return submitted.sequence();
  }

  String yaml() {
    return submitted.yaml();
  }

  List<JobRecord.File> files() {
    return submitted.files();
  }

  JobState state() {
    return state;
  }

  long view() {
    return view;
  }

  JobSpec spec() {
    if (spec == null) {
      throw new IllegalStateException("job " + id() + " has ended: its JOB.yaml is not read again");
    }
    return spec;
  }

  void start(List<JobRecord.Participant> participants, long nowMillis) {
    become(JobState.RUNNING);
    view++;
    detail = "";
    members = List.copyOf(participants);
    startedAtMillis = nowMillis;
  }

  void complete(List<JobRecord.Participant> participants, String manifest, long nowMillis) {
    become(JobState.COMPLETED);
    detail = "";
    members = List.copyOf(participants);
    bundleManifestSha256 = manifest;
    endedAtMillis = nowMillis;
  }

  /** Ends the job without a bundle: FAILED or CANCELLED. */
  void abort(JobState end, String why, List<JobRecord.Participant> participants, long nowMillis) {
    become(end);
    detail = why;
    members = List.copyOf(participants);
    endedAtMillis = nowMillis;
  }

  void progress(JobRecord.Progress newest) {
    progress = newest;
  }

  /** Adds an epoch's validation; false if it is there already. */
  boolean epoch(JobRecord.Epoch epoch) {
    if (!epochs.isEmpty() && epochs.getLast().epoch() >= epoch.epoch()) {
      return false;
    }
    epochs.add(epoch);
    if (epochs.size() > MOST_EPOCHS) {
      epochs.removeFirst();
    }
    return true;
  }

  JobRecord record() {
    return record(detail, members);
  }

  JobRecord record(String currentDetail, List<JobRecord.Participant> currentMembers) {
    return new JobRecord(
        submitted.id(),
        submitted.sequence(),
        submitted.name(),
        submitted.idempotencyKey(),
        submitted.yaml(),
        submitted.files(),
        state,
        currentDetail,
        submitted.submittedAtMillis(),
        startedAtMillis,
        endedAtMillis,
        view,
        currentMembers,
        progress,
        epochs,
        bundleManifestSha256);
  }

  List<JobRecord.Participant> members() {
    return members;
  }

  private void become(JobState next) {
    if (!state.mayBecome(next)) {
      throw new IllegalStateException(
          "job " + id() + " is " + state + " and cannot become " + next);
    }
    state = next;
  }
}
