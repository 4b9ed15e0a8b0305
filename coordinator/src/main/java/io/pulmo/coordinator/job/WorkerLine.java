package io.pulmo.coordinator.job;

import java.util.Optional;

/** What the leader can tell one worker, and what the worker's heartbeats say. No call waits. */
public interface WorkerLine {
  /** Tells the worker something; orders arrive one after the other, or the stream ends. */
  void send(Order order);

  /** The newest heartbeat; nothing before the first. */
  Optional<Pulse> pulse();
}
