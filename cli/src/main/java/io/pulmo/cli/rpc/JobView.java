package io.pulmo.cli.rpc;

import java.util.List;
import java.util.Optional;

/**
 * A job as the leader last told it.
 *
 * @param id its id
 * @param name from JOB.yaml
 * @param state queued, running, completed, failed or cancelled
 * @param ended whether it will not change any more
 * @param detail why it waits, failed or was cancelled; may be empty
 * @param step steps done
 * @param stepsTotal steps in all; 0 while unknown
 * @param loss mean over the last step's batch
 * @param samplesPerSecond of all members together, over the last steps
 * @param submittedAtMillis since 1970-01-01T00:00:00Z
 * @param epochs validation so far
 * @param members who trains or trained it, by rank
 * @param view who trains it together at the moment, and why
 * @param bundleManifestSha256 once it is completed
 */
public record JobView(
    String id,
    String name,
    String state,
    boolean ended,
    String detail,
    long step,
    long stepsTotal,
    double loss,
    double samplesPerSecond,
    long submittedAtMillis,
    List<Epoch> epochs,
    List<Member> members,
    View view,
    Optional<String> bundleManifestSha256) {

  /** Copies the lists. */
  public JobView {
    epochs = List.copyOf(epochs);
    members = List.copyOf(members);
  }

  /** Whether it ended with a bundle. */
  public boolean completed() {
    return state.equals("completed");
  }

  /**
   * A view of the job: who trains it together from one state on.
   *
   * @param id increases with each change of members or shares; 0 before the first
   * @param leaderEpoch of the leader that wrote it
   * @param cause why it came about
   * @param committedStep the newest step that every member has taken
   * @param checkpointSteps of the published checkpoints, the oldest first
   */
  public record View(
      long id, long leaderEpoch, String cause, long committedStep, List<Long> checkpointSteps) {
    /** Copies the list. */
    public View {
      checkpointSteps = List.copyOf(checkpointSteps);
    }
  }

  /**
   * Validation at an epoch's end.
   *
   * @param number from 0
   * @param aucMean over the diseases where it is defined
   * @param loss mean over the validation list
   * @param best whether it was the best so far
   */
  public record Epoch(int number, double aucMean, double loss, boolean best) {}

  /**
   * A worker's part.
   *
   * @param name HOST:PORT and process id
   * @param rank its place in the ring
   * @param step steps done
   * @param stepsComputed steps in which it computed the gradient of at least one sample
   * @param samplesComputed samples of which it computed the gradient
   * @param stateDigest of its whole training state; empty until it has finished
   * @param share its part of each batch, relative to the sum of all shares
   * @param samplesPerSecond of its own computing
   * @param slow what makes it slow; empty while it is not
   */
  public record Member(
      String name,
      int rank,
      long step,
      long stepsComputed,
      long samplesComputed,
      String stateDigest,
      int share,
      double samplesPerSecond,
      String slow) {}
}
