package io.pulmo.coordinator.job;

import java.util.List;

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
}
