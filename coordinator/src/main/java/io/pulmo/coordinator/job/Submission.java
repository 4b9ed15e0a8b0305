package io.pulmo.coordinator.job;

import io.pulmo.model.job.JobSpec;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * A user's request to train.
 *
 * @param yaml JOB.yaml
 * @param files that it names, stored before
 * @param idempotencyKey the submitter's: a repeated submission makes one job; empty for none
 */
public record Submission(String yaml, List<JobRecord.File> files, String idempotencyKey) {
  /** Copies the list. */
  public Submission {
    files = List.copyOf(files);
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
        throw refused(
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
