package io.pulmo.coordinator.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.coordinator.membership.Member;
import io.pulmo.node.HostPort;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class RingPlanTest {
  private static Member member(int number, String host, int cores) {
    return new Member(
        "m" + number, "w" + number, new HostPort("127.0.0.1", 1 + number), host, cores, "cpu");
  }

  @Provide
  Arbitrary<List<Member>> members() {
    return Arbitraries.integers()
        .between(0, 3)
        .list()
        .ofMinSize(1)
        .ofMaxSize(20)
        .map(
            hosts -> {
              List<Member> members = new ArrayList<>();
              for (int host : hosts) {
                members.add(member(members.size(), "host" + host, 1 + 3 * host));
              }
              return members;
            });
  }

  @Property(tries = 300)
  void ring_ofAnyMembers_seatsEachOnceWithEqualShares(@ForAll("members") List<Member> members) {
    List<RingPlan.Seat> seats = RingPlan.of(members).seats();
    assertEquals(members.size(), seats.size());
    assertEquals(
        new HashSet<>(members), new HashSet<>(seats.stream().map(RingPlan.Seat::member).toList()));
    assertTrue(seats.stream().allMatch(seat -> seat.share() == 1));
  }

  @Property(tries = 300)
  void ring_ofAnyMembers_crossesFromHostToHostAsRarelyAsCanBe(
      @ForAll("members") List<Member> members) {
    List<RingPlan.Seat> seats = RingPlan.of(members).seats();
    int crossings = 0;
    for (int rank = 0; rank < seats.size(); rank++) {
      Member next = seats.get((rank + 1) % seats.size()).member();
      crossings += seats.get(rank).member().hostId().equals(next.hostId()) ? 0 : 1;
    }
    long hosts = members.stream().map(Member::hostId).distinct().count();
    assertEquals(hosts == 1 ? 0 : hosts, crossings);
  }

  @Property(tries = 300)
  void threads_ofTheMembersOfOneHost_fitItsCores(@ForAll("members") List<Member> members) {
    List<RingPlan.Seat> seats = RingPlan.of(members).seats();
    for (RingPlan.Seat seat : seats) {
      List<RingPlan.Seat> neighbours =
          seats.stream()
              .filter(other -> other.member().hostId().equals(seat.member().hostId()))
              .toList();
      int threads = neighbours.stream().mapToInt(RingPlan.Seat::threads).sum();
      assertTrue(seat.threads() >= 1);
      assertTrue(threads <= Math.max(seat.member().cores(), neighbours.size()));
    }
  }

  @Example
  void rank0_isTheFirstThatCame() {
    List<RingPlan.Seat> seats =
        RingPlan.of(List.of(member(0, "b", 4), member(1, "a", 4), member(2, "b", 4))).seats();
    assertEquals(
        List.of("m0", "m2", "m1"), seats.stream().map(seat -> seat.member().id()).toList());
    assertEquals(List.of(2, 2, 4), seats.stream().map(RingPlan.Seat::threads).toList());
  }

  @Example
  void ring_withoutMembers_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> RingPlan.of(List.of()));
  }
}
