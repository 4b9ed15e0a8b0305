package io.pulmo.worker.rpc;

import java.util.List;

/** Who carries out what the leader tells a worker to do; no method waits. */
public interface Orders {
  /** A leader of that epoch speaks; false if a newer one has been heard. */
  boolean heard(long leaderEpoch);

  /** A leader has taken this worker in: it hears what it must know. */
  void attached();

  /** There is no leader any more; what goes on goes on. */
  void detached();

  /** Makes ready for a job. */
  void enlist(JobOrder order);

  /** Forgets a job. */
  void discharge(String jobId, String reason);

  /** Stops in every view below one. */
  void prepare(String jobId, long leaderEpoch, long view);

  /** Puts a state in place. */
  void adopt(AdoptOrder order);

  /** Enters a view. */
  void install(InstallOrder order);

  /** Keeps the files of a job's published checkpoints. */
  void keep(String jobId, List<String> sha256);

  /** The worker that wanted to leave may go. */
  void released();

  /** What the worker does at this moment. */
  Pulse pulse();
}
