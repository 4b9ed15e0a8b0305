package io.pulmo.coordinator.job;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a job, as the journal keeps it and as users see it.
 *
 * @param id NAME-xxxxxx
 * @param sequence the order of submission
 * @param name of the job
 * @param idempotencyKey the submitter's, empty for none
 * @param yaml JOB.yaml as submitted
 * @param files that came with it
 * @param state where it is
 * @param detail why it failed, waits or was cancelled
 * @param submittedAtMillis since 1970
 * @param startedAtMillis since 1970, 0 before
 * @param endedAtMillis since 1970, 0 before
 * @param view the newest attempt, 0 before the first
 * @param members of that attempt, by rank
 * @param progress the newest of any member, none before the first step
 * @param epochs the newest epochs' validation
 * @param bundleManifestSha256 empty until the job is completed
 */
public record JobRecord(
    String id,
    long sequence,
    String name,
    String idempotencyKey,
    String yaml,
    List<File> files,
    JobState state,
    String detail,
    long submittedAtMillis,
    long startedAtMillis,
    long endedAtMillis,
    long view,
    List<Participant> members,
    @Nullable Progress progress,
    List<Epoch> epochs,
    String bundleManifestSha256) {

  /** Copies the lists. */
  public JobRecord {
    files = List.copyOf(files);
    members = List.copyOf(members);
    epochs = List.copyOf(epochs);
  }

  /**
   * A file that came with a submission.
   *
   * @param name as JOB.yaml has it
   * @param sha256 hexadecimal
   * @param bytes its size
   */
  public record File(String name, String sha256, long bytes) {}

  /**
   * A member's part in an attempt.
   *
   * @param id the member's
   * @param name the member's
   * @param step steps done
   * @param samplesComputed samples of which it computed the gradient
   * @param stepsComputed steps in which it computed a gradient
   * @param stateDigest of its whole training state, empty until it has finished
   */
  public record Participant(
      String id,
      String name,
      long step,
      long samplesComputed,
      long stepsComputed,
      String stateDigest) {}

  /**
   * How far training is, by one member's report.
   *
   * @param step steps done since the job's start
   * @param stepsTotal of the job
   * @param epoch from 0
   * @param loss mean over the last step's global batch
   * @param samplesPerSecond of the global batch
   * @param samplesComputed samples of which the member computed the gradient
   * @param stepsComputed steps in which the member computed a gradient
   */
  public record Progress(
      long step,
      long stepsTotal,
      int epoch,
      double loss,
      double samplesPerSecond,
      long samplesComputed,
      long stepsComputed) {}

  /**
   * Validation at the end of an epoch.
   *
   * @param epoch from 0
   * @param aucMean over the diseases where it is defined
   * @param auc by disease, NaN where undefined
   * @param loss on the validation list
   * @param best whether these weights are the best so far
   */
  public record Epoch(int epoch, double aucMean, List<Double> auc, double loss, boolean best) {
    /** Copies the list. */
    public Epoch {
      auc = List.copyOf(auc);
    }
  }
}
