package io.pulmo.worker.rpc;

/** Who carries out what the leader tells a worker to do; no method waits. */
public interface Orders {
  /** A leader of that epoch speaks; false if a newer one has been heard. */
  boolean heard(long leaderEpoch);

  /** Starts a run, instead of the one under way. */
  void start(RunOrder order);

  /** Stops a run, which says so when it has stopped. */
  void stop(String jobId, long view, String reason);

  /** Stops whatever runs and says nothing about it: its leader is gone. */
  void abandon(String reason);
}
