package io.pulmo.coordinator.job;

import io.pulmo.model.job.JobSpec;
import io.pulmo.model.view.ViewJournal;
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
  private Standing standing;
  private JobRecord.@Nullable Progress progress;
  private final List<JobRecord.Epoch> epochs;
  private String bundleManifestSha256;

  /**
   * How a job's views stand.
   *
   * @param view the newest, 0 before the first
   * @param leaderEpoch of the leader that wrote it
   * @param cause why it came about
   * @param members by rank
   * @param committedStep the newest that all of them have reported
   * @param checkpoints published, the oldest first
   */
  record Standing(
      long view,
      long leaderEpoch,
      String cause,
      List<JobRecord.Participant> members,
      long committedStep,
      List<ViewJournal.Published> checkpoints) {}

  /** Takes a job up from its record; the specification is there unless the job has ended. */
  Job(JobRecord record, @Nullable JobSpec spec) {
    this.submitted = record;
    this.spec = spec;
    this.state = record.state();
    this.detail = record.detail();
    this.startedAtMillis = record.startedAtMillis();
    this.endedAtMillis = record.endedAtMillis();
    this.standing =
        new Standing(
            record.view(),
            record.viewLeaderEpoch(),
            record.viewCause(),
            record.members(),
            record.committedStep(),
            record.checkpoints());
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

  /** A file's SHA-256 by the name that it has in JOB.yaml. */
  String sha256(String name) {
    return files().stream()
        .filter(file -> file.name().equals(name))
        .findFirst()
        .map(JobRecord.File::sha256)
        .orElse("");
  }

  JobState state() {
    return state;
  }

  JobSpec spec() {
    if (spec == null) {
      throw new IllegalStateException("job " + id() + " has ended: its JOB.yaml is not read again");
    }
    return spec;
  }

  void start(long nowMillis) {
    become(JobState.RUNNING);
    detail = "";
    startedAtMillis = nowMillis;
  }

  void complete(Standing last, String manifest, long nowMillis) {
    become(JobState.COMPLETED);
    detail = "";
    standing = last;
    bundleManifestSha256 = manifest;
    endedAtMillis = nowMillis;
  }

  /** Ends the job without a bundle: FAILED or CANCELLED. */
  void abort(JobState end, String why, Standing last, long nowMillis) {
    become(end);
    detail = why;
    standing = last;
    endedAtMillis = nowMillis;
  }

  /** A member's progress; what is older than what is known means nothing. */
  void progress(JobRecord.Progress told) {
    JobRecord.Progress newest = progress;
    if (newest == null
        || newest.view() < told.view()
        || (newest.view() == told.view() && newest.step() <= told.step())) {
      progress = told;
    }
  }

  /**
   * Adds an epoch's validation; false if it is there already. Validated again after a restore, it
   * takes the place of what was given up.
   */
  boolean epoch(JobRecord.Epoch epoch) {
    if (!epochs.isEmpty()) {
      JobRecord.Epoch last = epochs.getLast();
      if (epoch.view() < last.view()
          || (epoch.view() == last.view() && epoch.epoch() <= last.epoch())) {
        return false;
      }
      epochs.removeIf(one -> one.epoch() >= epoch.epoch());
    }
    epochs.add(epoch);
    if (epochs.size() > MOST_EPOCHS) {
      epochs.removeFirst();
    }
    return true;
  }

  Standing standing() {
    return standing;
  }

  JobRecord record() {
    return record(detail, standing);
  }

  JobRecord record(String currentDetail, Standing now) {
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
        now.view(),
        now.leaderEpoch(),
        now.cause(),
        now.members(),
        now.committedStep(),
        progress,
        epochs,
        now.checkpoints(),
        bundleManifestSha256);
  }

  private void become(JobState next) {
    if (!state.mayBecome(next)) {
      throw new IllegalStateException(
          "job " + id() + " is " + state + " and cannot become " + next);
    }
    state = next;
  }
}
