package io.pulmo.coordinator.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.view.Applicant;
import io.pulmo.model.view.Seat;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class RingPlanTest {
  private static Applicant applicant(int id, int host, int cores) {
    return new Applicant("m" + id, "worker-" + id, "127.0.0.1:1", "host" + host, cores);
  }

  @Test
  void machines_dividedAmongTheirMembers_keepTheirOrder() {
    List<Seat> seats =
        RingPlan.of(
            List.of(applicant(0, 1, 8), applicant(1, 2, 4), applicant(2, 1, 8)),
            id -> id.equals("m1") ? 5 : 2);
    assertEquals(List.of("m0", "m2", "m1"), seats.stream().map(Seat::memberId).toList());
    assertEquals(List.of(4, 4, 4), seats.stream().map(Seat::threads).toList());
    assertEquals(List.of(2, 2, 5), seats.stream().map(Seat::share).toList());
  }

  @Property(tries = 200)
  void ring_crossesBetweenMachinesOnceEach_andSeatsEveryone(
      @ForAll @Size(min = 1, max = 40) List<@IntRange(min = 0, max = 6) Integer> hosts) {
    List<Applicant> applicants = new ArrayList<>();
    for (int i = 0; i < hosts.size(); i++) {
      applicants.add(applicant(i, hosts.get(i), 2));
    }
    List<Seat> seats = RingPlan.of(applicants, id -> 1);
    assertEquals(applicants.size(), seats.size());
    assertEquals(applicants.size(), seats.stream().map(Seat::memberId).distinct().count(), "seats");
    Set<Integer> left = new HashSet<>();
    int host = -1;
    for (Seat seat : seats) {
      int at = hosts.get(Integer.parseInt(seat.memberId().substring(1)));
      if (at != host) {
        assertTrue(left.add(at), "machine " + at + " twice");
        host = at;
      }
      assertTrue(seat.threads() >= 1);
    }
  }
}
