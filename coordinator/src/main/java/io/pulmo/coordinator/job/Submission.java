package io.pulmo.coordinator.job;

import io.pulmo.model.job.JobSpec;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;

/**
 * A user's request to train. Its content is JOB.yaml, byte for byte, and the digests of the files
 * that it names.
 *
 * @param yaml JOB.yaml
 * @param files that it names, stored before
 * @param idempotencyKey the submitter's: a submission repeated under it is the job that it made, in
 *     whatever state that is; empty for none
 */
public record Submission(String yaml, List<JobRecord.File> files, String idempotencyKey) {
  /** Copies the list. */
  public Submission {
    files = List.copyOf(files);
  }

  /**
   * The job that this submission is already: one of the same name and content that waits, runs or
   * is completed. One that failed or was cancelled is none.
   *
   * @param name of the job, as JOB.yaml says
   * @param jobs all there are, the newest first
   * @throws RefusedException if a job of that name and other content waits or runs
   */
  Optional<String> earlier(String name, List<JobRecord> jobs) {
    for (JobRecord job : jobs) {
      if (!idempotencyKey.isEmpty() && job.idempotencyKey().equals(idempotencyKey)) {
        return Optional.of(job.id());
      }
    }
    List<JobRecord> namesakes = jobs.stream().filter(job -> job.name().equals(name)).toList();
    for (JobRecord job : namesakes) {
      boolean stands =
          switch (job.state()) {
            case QUEUED, RUNNING, COMPLETED -> true;
            case FAILED, CANCELLED -> false;
          };
      if (stands && hasContentOf(job)) {
        return Optional.of(job.id());
      }
    }
    for (JobRecord job : namesakes) {
      if (!job.state().ended()) {
        throw new RefusedException(
            RefusedException.Kind.EXISTS,
            "job "
                + job.id()
                + " has the name '"
                + name
                + "' and other content, and "
                + (job.state() == JobState.QUEUED ? "waits" : "runs")
                + ": expected a name of its own, or that job's end; 'pulmo train cancel "
                + job.id()
                + "' ends it");
      }
    }
    return Optional.empty();
  }

  private boolean hasContentOf(JobRecord job) {
    return yaml.equals(job.yaml()) && Set.copyOf(files).equals(Set.copyOf(job.files()));
  }

  /** Refuses unless the files are those that JOB.yaml names, each once, and all are stored. */
  void check(JobSpec spec, Function<String, OptionalLong> blobSizes) {
    List<String> wanted = spec.files();
    for (String name : wanted) {
      if (files.stream().filter(file -> file.name().equals(name)).count() != 1) {
        throw refused(
            "JOB.yaml names the file '"
                + name
                + "': expected it once among the submission's files");
      }
    }
    for (JobRecord.File file : files) {
      if (!wanted.contains(file.name())) {
        throw refused(
            "file '" + file.name() + "' came with the submission: expected only those of JOB.yaml");
      }
      OptionalLong stored = blobSizes.apply(file.sha256());
      if (stored.isEmpty() || stored.getAsLong() != file.bytes()) {
        throw new RefusedException(
            RefusedException.Kind.NOT_STORED,
            "file '"
                + file.name()
                + "' is blob "
                + file.sha256()
                + " of "
                + file.bytes()
                + " bytes: expected it to be stored before the submission");
      }
    }
  }

  private static RefusedException refused(String why) {
    return new RefusedException(RefusedException.Kind.INVALID, why);
  }
}
