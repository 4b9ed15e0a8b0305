package io.pulmo.worker.rpc;

import io.pulmo.node.HostPort;

/**
 * What a worker says of itself.
 *
 * @param memberId drawn at random when it started
 * @param name for people
 * @param ringAddress under which the other members reach it
 * @param hostId what tells machines apart
 * @param cores processors that it may use
 * @param device what computes its gradients
 * @param version Pulmo's, for people
 * @param memoryBytes that it may use
 * @param replacesMemberId who had its state folder before; empty if nobody
 */
public record Identity(
    String memberId,
    String name,
    HostPort ringAddress,
    String hostId,
    int cores,
    String device,
    String version,
    long memoryBytes,
    String replacesMemberId) {
  private static final int PROTOCOL_VERSION = 1;

  /** Of the messages to and from the leader. */
  int protocolVersion() {
    return PROTOCOL_VERSION;
  }
}
