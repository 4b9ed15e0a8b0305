package io.pulmo.coordinator.job;

/**
 * What a worker's heartbeat says it does.
 *
 * @param jobId that it trains, empty for none
 * @param view that it has entered, 0 for none
 * @param step steps taken since the job's start
 * @param activity what its training thread does
 * @param waitingOn the member that it waits for in the ring, empty for none
 * @param waitingSinceNanos since when, by the coordinator's clock
 */
public record Pulse(
    String jobId,
    long view,
    long step,
    Activity activity,
    String waitingOn,
    long waitingSinceNanos) {
  /** What a training thread does. */
  public enum Activity {
    /** It does not say. */
    UNKNOWN,
    /** Fetches files, indexes images, makes its device ready. */
    PREPARING,
    /** Has no view to go on in. */
    IDLE,
    /** Waits for decoded images. */
    DATA,
    /** Computes gradients. */
    COMPUTING,
    /** Sends, receives and adds. */
    RING,
    /** Applies a step, or takes a checkpoint's snapshot. */
    APPLYING,
    /** Scores the validation list. */
    VALIDATING,
    /** Makes the bundle. */
    EXPORTING
  }
}
