package io.pulmo.coordinator.ring;

import io.pulmo.coordinator.membership.Member;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Who trains a job together: the seats of its ring by rank, each sending to the next and the last
 * to the first.
 *
 * @param seats at least one
 */
public record RingPlan(List<Seat> seats) {
  /**
   * A member's place in the ring.
   *
   * @param member who sits there
   * @param share its part of each global batch, relative to the sum of all shares
   * @param threads how many its device may use
   */
  public record Seat(Member member, int share, int threads) {}

  /** Copies the seats. */
  public RingPlan {
    if (seats.isEmpty()) {
      throw new IllegalArgumentException("a ring without members: expected at least one");
    }
    seats = List.copyOf(seats);
  }

  /**
   * Plans a ring. Members of one machine sit side by side, so that each machine has one link in and
   * one out; they divide its cores. Shares are equal.
   *
   * @param members in the order in which they came
   */
  public static RingPlan of(List<Member> members) {
    Map<String, List<Member>> byHost = new LinkedHashMap<>();
    for (Member member : members) {
      byHost.computeIfAbsent(member.hostId(), host -> new ArrayList<>()).add(member);
    }
    List<Seat> seats = new ArrayList<>();
    for (List<Member> neighbours : byHost.values()) {
      for (Member member : neighbours) {
        seats.add(new Seat(member, 1, Math.max(1, member.cores() / neighbours.size())));
      }
    }
    return new RingPlan(seats);
  }
}
