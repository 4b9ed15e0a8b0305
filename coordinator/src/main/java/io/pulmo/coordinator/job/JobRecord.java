package io.pulmo.coordinator.job;

import io.pulmo.model.view.ViewJournal;
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
 * @param view the newest, 0 before the first
 * @param viewLeaderEpoch of the leader that wrote it
 * @param viewCause why it came about
 * @param members of that view, by rank
 * @param committedStep the newest that every member of the view has reported
 * @param progress the newest of any member, none before the first step
 * @param epochs the newest epochs' validation
 * @param checkpoints published, the oldest first
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
    long viewLeaderEpoch,
    String viewCause,
    List<Participant> members,
    long committedStep,
    @Nullable Progress progress,
    List<Epoch> epochs,
    List<ViewJournal.Published> checkpoints,
    String bundleManifestSha256) {

  /** Copies the lists. */
  public JobRecord {
    files = List.copyOf(files);
    members = List.copyOf(members);
    epochs = List.copyOf(epochs);
    checkpoints = List.copyOf(checkpoints);
  }

  /** A job whose record says nothing but that it is unreadable. */
  public static JobRecord unreadable(String id, String why) {
    return new JobRecord(
        id,
        0,
        id,
        "",
        "",
        List.of(),
        JobState.FAILED,
        why,
        0,
        0,
        0,
        0,
        0,
        "",
        List.of(),
        0,
        null,
        List.of(),
        List.of(),
        "");
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
   * A member's part in a view.
   *
   * @param id the member's
   * @param name the member's
   * @param step steps done
   * @param samplesComputed samples of which it computed the gradient
   * @param stepsComputed steps in which it computed a gradient
   * @param stateDigest of its whole training state, empty until it has finished
   * @param share its part of each global batch, relative to the sum of all shares
   * @param samplesPerSecond of its own computing
   * @param slow what makes it slow, in words; empty while it is not
   */
  public record Participant(
      String id,
      String name,
      long step,
      long samplesComputed,
      long stepsComputed,
      String stateDigest,
      int share,
      double samplesPerSecond,
      String slow) {}

  /**
   * How far training is, by one member's report.
   *
   * @param view of the member then
   * @param step steps done since the job's start
   * @param stepsTotal of the job
   * @param epoch from 0
   * @param loss mean over the last step's global batch
   * @param samplesPerSecond of the global batch
   * @param samplesComputed samples of which the member computed the gradient
   * @param stepsComputed steps in which the member computed a gradient
   */
  public record Progress(
      long view,
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
   * @param view in which it was validated; a restore may have an epoch validated again
   * @param aucMean over the diseases where it is defined
   * @param auc by disease, NaN where undefined
   * @param loss on the validation list
   * @param best whether these weights are the best so far
   */
  public record Epoch(
      int epoch, long view, double aucMean, List<Double> auc, double loss, boolean best) {
    /** Copies the list. */
    public Epoch {
      auc = List.copyOf(auc);
    }
  }
}
