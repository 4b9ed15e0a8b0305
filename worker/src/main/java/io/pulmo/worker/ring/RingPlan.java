package io.pulmo.worker.ring;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Who is in the ring of one view of a job, and where in it this member stands.
 *
 * @param jobId the job
 * @param view its view, which increases with every attempt
 * @param members by rank; each sends to the next, the last to the first
 * @param rank this member's place among them
 */
public record RingPlan(String jobId, long view, List<Peer> members, int rank) {
  /**
   * A member of the ring.
   *
   * @param memberId drawn at random when its process started
   * @param name for people
   * @param address HOST:PORT of its ring service
   */
  public record Peer(String memberId, String name, String address) {
    @Override
    public String toString() {
      return name + " (member " + memberId + ")";
    }
  }

  /** Checks that the rank is one of the members and that no member is there twice. */
  public RingPlan {
    members = List.copyOf(members);
    if (rank < 0 || rank >= members.size()) {
      throw new IllegalArgumentException(
          "rank is " + rank + ", expected 0 to " + (members.size() - 1));
    }
    Set<String> seen = new HashSet<>();
    for (Peer peer : members) {
      if (!seen.add(peer.memberId())) {
        throw new IllegalArgumentException("member " + peer.memberId() + " is in the ring twice");
      }
    }
  }

  /** How many members there are. */
  public int size() {
    return members.size();
  }

  /** This member. */
  public Peer self() {
    return members.get(rank);
  }

  /** The member that sends to this one. */
  public Peer predecessor() {
    return members.get(Math.floorMod(rank - 1, members.size()));
  }

  /** The member that this one sends to. */
  public Peer successor() {
    return members.get((rank + 1) % members.size());
  }
}
