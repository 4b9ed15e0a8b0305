package io.pulmo.worker.rpc;

import io.pulmo.worker.ring.AllReduce;
import io.pulmo.worker.train.Activity;
import java.util.Optional;

/**
 * What a worker does at this moment.
 *
 * @param jobId that it is enlisted in, empty for none
 * @param view that it has entered, 0 for none
 * @param step steps taken since the job's start
 * @param activity of its training thread
 * @param waiting on whom the ring waits, if it does
 */
public record Pulse(
    String jobId, long view, long step, Activity activity, Optional<AllReduce.Waiting> waiting) {
  /** Of a worker without a job. */
  public static final Pulse IDLE = new Pulse("", 0, 0, Activity.IDLE, Optional.empty());
}
