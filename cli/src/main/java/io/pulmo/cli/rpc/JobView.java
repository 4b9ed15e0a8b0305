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
 * @param submittedAtMillis since 1970-01-01T00:00:00Z
 * @param epochs validation so far
 * @param members who trains or trained it, by rank
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
    long submittedAtMillis,
    List<Epoch> epochs,
    List<Member> members,
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
   */
  public record Member(
      String name,
      int rank,
      long step,
      long stepsComputed,
      long samplesComputed,
      String stateDigest) {}
}
