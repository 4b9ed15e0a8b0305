package io.pulmo.worker.ring;

/** The link to a neighbour ended, or the neighbour sent what it should not have. */
public final class RingBrokenException extends RingException {
  private final String memberId;

  RingBrokenException(RingPlan.Peer peer, String what) {
    super("the ring is broken at " + peer + ": " + what);
    this.memberId = peer.memberId();
  }

  /** The neighbour's member id. */
  public String memberId() {
    return memberId;
  }
}
