package io.pulmo.coordinator.membership;

import io.pulmo.node.HostPort;

/**
 * A worker's process: one that is restarted is another member.
 *
 * @param id drawn at random when the process starts
 * @param name for people
 * @param ringAddress where the other members reach it
 * @param hostId what tells machines apart
 * @param cores that the process may use, at least 1
 * @param device what computes there
 */
public record Member(
    String id, String name, HostPort ringAddress, String hostId, int cores, String device) {
  /** Checks the cores. */
  public Member {
    if (cores < 1) {
      throw new IllegalArgumentException("cores is " + cores + ": expected at least 1");
    }
  }

  /** Name and the start of the id, as a message to people names it. */
  public String label() {
    return name + " (member " + id.substring(0, Math.min(8, id.length())) + ")";
  }
}
