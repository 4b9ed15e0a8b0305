package io.pulmo.model.view;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;

/**
 * The links between members that broke while both lived, and rings that go round them. A link that
 * broke once is avoided where the ring's order allows; one that broke twice, without a step
 * between, does not come into a ring: a member leaves rather.
 */
final class Links {
  private static final int BROKEN_STRIKES = 2;

  // A ring of 16 is found in a few dozen steps; this bounds what a stranger's reports can cost.
  private static final int SEARCH_STEPS = 20_000;

  private final long memoryNanos;
  private final Map<Pair, Strikes> strikes = new HashMap<>();

  private record Pair(String first, String second) {
    static Pair of(String a, String b) {
      return a.compareTo(b) <= 0 ? new Pair(a, b) : new Pair(b, a);
    }

    boolean has(String member) {
      return first.equals(member) || second.equals(member);
    }
  }

  private record Strikes(int count, long view, long untilNanos) {}

  /**
   * Every link works.
   *
   * @param memoryNanos after which a broken link is tried again
   */
  Links(long memoryNanos) {
    this.memoryNanos = memoryNanos;
  }

  /** The link between two living members broke in a view; told by both, it counts once. */
  void broke(String a, String b, long view, long nowNanos) {
    strikes.merge(
        Pair.of(a, b),
        new Strikes(1, view, nowNanos + memoryNanos),
        (old, now) -> old.view == view ? old : new Strikes(old.count + 1, view, now.untilNanos));
  }

  /** A member is gone: what broke broke because of that. */
  void forget(String member) {
    strikes.keySet().removeIf(pair -> pair.has(member));
  }

  /** A ring has turned. */
  void worked(List<Seat> ring) {
    for (int rank = 0; rank < ring.size(); rank++) {
      String next = ring.get((rank + 1) % ring.size()).memberId();
      strikes.remove(Pair.of(ring.get(rank).memberId(), next));
    }
  }

  /** Forgets what broke long ago. */
  void expire(long nowNanos) {
    strikes.values().removeIf(it -> it.untilNanos - nowNanos <= 0);
  }

  /**
   * Those of the members that can be in one ring: whoever fewest reach is left out, the later one
   * on a tie. All of them if too few would be left, since a link may mend.
   */
  List<String> seatable(List<String> members, int min) {
    List<String> left = new ArrayList<>(members);
    while (ring(left, this::isWhole).isEmpty() && left.size() > 1) {
      String out = left.get(0);
      long most = -1;
      for (String member : left) {
        long broken = left.stream().filter(other -> !isWhole(member, other)).count();
        if (broken >= most) {
          most = broken;
          out = member;
        }
      }
      left.remove(out);
    }
    return left.size() < min ? members : left;
  }

  /** The seats in an order without broken neighbours, as near to the given one as is cheap. */
  List<Seat> arranged(List<Seat> seats) {
    List<String> members = seats.stream().map(Seat::memberId).toList();
    List<String> order = ring(members, (a, b) -> !strikes.containsKey(Pair.of(a, b)));
    if (order.isEmpty()) {
      order = ring(members, this::isWhole);
    }
    if (order.isEmpty()) {
      return seats;
    }
    Map<String, Seat> bySeat = new HashMap<>();
    seats.forEach(seat -> bySeat.put(seat.memberId(), seat));
    List<Seat> arranged = new ArrayList<>();
    for (String member : order) {
      Seat seat = bySeat.get(member);
      if (seat != null) {
        arranged.add(seat);
      }
    }
    return arranged;
  }

  private boolean isWhole(String a, String b) {
    Strikes broken = strikes.get(Pair.of(a, b));
    return broken == null || broken.count < BROKEN_STRIKES;
  }

  /** The members in an order in which each is linked to the next; empty if none was found. */
  private static List<String> ring(List<String> members, BiPredicate<String, String> linked) {
    if (members.isEmpty()) {
      return List.of();
    }
    List<String> order = new ArrayList<>(List.of(members.get(0)));
    List<String> rest = new ArrayList<>(members.subList(1, members.size()));
    int[] steps = {SEARCH_STEPS};
    return extended(order, rest, linked, steps) ? order : List.of();
  }

  private static boolean extended(
      List<String> order, List<String> rest, BiPredicate<String, String> linked, int[] steps) {
    String last = order.get(order.size() - 1);
    if (rest.isEmpty()) {
      return order.size() == 1 || linked.test(last, order.get(0));
    }
    for (int at = 0; at < rest.size() && steps[0] > 0; at++) {
      steps[0]--;
      if (!linked.test(last, rest.get(at))) {
        continue;
      }
      String next = rest.remove(at);
      order.add(next);
      if (extended(order, rest, linked, steps)) {
        return true;
      }
      order.remove(order.size() - 1);
      rest.add(at, next);
    }
    return false;
  }
}
