package io.pulmo.coordinator.ring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.coordinator.ring.SimulatedRing.Node;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SharesTest {
  private static SimulatedRing ring(int batch, long seed, double noise, double... millis) {
    SimulatedRing ring = new SimulatedRing(batch, seed);
    for (int i = 0; i < millis.length; i++) {
      ring.add("m" + i, millis[i]).noise = noise;
    }
    return ring;
  }

  @Test
  void member_slowedToAQuarter_isNamedWithinTwentySteps_andSharesFollow() {
    for (int batch : List.of(12, 16, 48)) {
      SimulatedRing ring = ring(batch, 1, 0.05, 10, 10, 10);
      ring.steps(50);
      assertEquals(0, ring.changes);
      assertEquals(Map.of(), ring.shares.slow());

      ring.nodes.get(1).millisPerSample = 40;
      int named = 0;
      while (ring.shares.slow().isEmpty()) {
        ring.step();
        named++;
      }
      assertTrue(named <= 20, named + " steps");
      ring.steps(60);
      String why = String.valueOf(ring.shares.slow().get("m1"));
      assertTrue(
          why.matches("compute: (3\\.[5-9]|4\\.[0-5]) times the others' median a sample"), why);
      assertEquals(1, ring.shares.slow().size());
      double part = ring.throughput(200) / ring.sumOfSpeeds();
      System.out.printf(
          "batch %d: named after %d steps, %d changes, %s, %.3f of the sum of speeds%n",
          batch, named, ring.changes, Arrays.toString(ring.parts()), part);
      assertTrue(part >= 0.8, part + " of the sum of speeds");
      assertTrue(ring.changes <= 3, ring.changes + " changes");
    }
  }

  @Test
  void member_thatRecovers_isNoLongerNamed_andHasItsShareBack() {
    SimulatedRing ring = ring(24, 2, 0.05, 10, 10, 10);
    ring.nodes.get(2).millisPerSample = 40;
    ring.steps(120);
    assertTrue(ring.shares.slow().containsKey("m2"));
    assertTrue(ring.parts()[2] <= 4, Arrays.toString(ring.parts()));
    ring.nodes.get(2).millisPerSample = 10;
    int named = 0;
    while (!ring.shares.slow().isEmpty()) {
      ring.step();
      named++;
    }
    assertTrue(named <= 40, named + " steps");
    ring.steps(100);
    assertTrue(ring.throughput(100) >= 0.8 * ring.sumOfSpeeds());
    assertTrue(ring.parts()[2] >= 7, Arrays.toString(ring.parts()));
  }

  @Test
  void noisyTimings_ofEquallyFastMembers_changeNothing() {
    int changes = 0;
    int slow = 0;
    for (int seed = 0; seed < 20; seed++) {
      SimulatedRing ring = ring(24, seed, 0.25, 10, 10, 10);
      for (int i = 0; i < 1_000; i++) {
        ring.step();
        slow += ring.shares.slow().isEmpty() ? 0 : 1;
      }
      changes += ring.changes;
    }
    System.out.println(changes + " changes and " + slow + " steps with a name in 20000 steps");
    assertTrue(changes <= 10, changes + " changes in 20,000 steps");
    assertTrue(slow <= 40, slow + " of 20,000 steps in which somebody was named");
  }

  @Test
  void unequalMembers_withFixedCosts_settle() {
    SimulatedRing ring = ring(32, 3, 0.1, 4, 8, 16, 30);
    ring.nodes.forEach(node -> node.fixedMillis = 20);
    ring.steps(400);
    int changes = ring.changes;
    assertTrue(changes >= 1 && changes <= 5, changes + " changes");
    ring.steps(1_000);
    assertTrue(ring.changes <= changes + 1, ring.changes + " changes");
  }

  @Test
  void memberThatWaitsForImages_isNamedForItsData() {
    SimulatedRing ring = ring(24, 4, 0.05, 10, 10, 10);
    ring.steps(30);
    ring.nodes.get(0).dataMillisPerSample = 15;
    ring.steps(20);
    assertTrue(
        String.valueOf(ring.shares.slow().get("m0")).startsWith("data: waits "),
        ring.shares.slow().toString());
    ring.steps(60);
    assertTrue(ring.parts()[0] < 6, Arrays.toString(ring.parts()));
    assertEquals(List.of("m0"), List.copyOf(ring.shares.slow().keySet()));
  }

  @Test
  void networkThatGetsSlow_isNamedAtAll_andChangesNoShares() {
    SimulatedRing ring = ring(24, 5, 0.05, 10, 10, 10);
    ring.steps(30);
    ring.networkMillis = 200;
    ring.steps(20);
    assertEquals(List.of("m0", "m1", "m2"), List.copyOf(ring.shares.slow().keySet()));
    assertTrue(
        String.valueOf(ring.shares.slow().get("m1")).startsWith("network: the ring takes "),
        ring.shares.slow().toString());
    ring.steps(100);
    assertEquals(0, ring.changes);
    ring.networkMillis = 5;
    ring.steps(60);
    assertEquals(Map.of(), ring.shares.slow());
  }

  @Test
  void memberThatComes_isTakenToBeAsFastAsMost_andThoseKnownKeepTheirPaces() {
    SimulatedRing ring = ring(24, 6, 0, 10, 10, 40);
    ring.steps(60);
    int[] before = ring.parts();
    ring.add("new", 10);
    assertArrayEquals(new int[] {11, 11, 2}, before);
    assertArrayEquals(new int[] {8, 8, 1, 7}, ring.parts());
  }

  @Test
  void memberThatIsForgotten_isNotNamed() {
    SimulatedRing ring = ring(24, 7, 0, 10, 10, 40);
    ring.steps(30);
    assertEquals(List.of("m2"), List.copyOf(ring.shares.slow().keySet()));
    Node slow = ring.nodes.get(2);
    ring.remove(slow);
    assertEquals(Map.of(), ring.shares.slow());
    assertArrayEquals(new int[] {12, 12}, ring.parts());
  }

  @Test
  void sharesOfNobodyKnown_areLeftToTheCaller() {
    Shares shares = new Shares(8);
    assertEquals(Optional.empty(), shares.better(List.of("a", "b"), Map.of()));
    assertEquals(Optional.empty(), shares.better(List.of("a", "b"), Map.of("a", 1, "b", 1)));
    shares.report("a", new Shares.Timing(Double.NaN, 0, 0, 3));
    shares.report("a", new Shares.Timing(10, 0, 0, 0));
    assertEquals(Optional.empty(), shares.better(List.of("a", "b"), Map.of()));
  }

  @Property(tries = 300)
  void proposal_givesEveryMemberASample_andComesOutAsDivided(
      @ForAll @Size(min = 2, max = 12) List<@DoubleRange(min = 0.5, max = 200) Double> millis,
      @ForAll @IntRange(min = 1, max = 300) int batch) {
    Shares shares = new Shares(batch);
    List<String> members = IntStream.range(0, millis.size()).mapToObj(rank -> "m" + rank).toList();
    for (int report = 0; report < 3; report++) {
      for (int rank = 0; rank < millis.size(); rank++) {
        // A power of two: divided again, the pace is the same to the bit, and so is who wins a tie.
        double samples = 4;
        shares.report(
            members.get(rank), new Shares.Timing(millis.get(rank) * samples, 0, 1, samples));
      }
    }
    Map<String, Integer> better = shares.better(members, Map.of()).orElseThrow();
    assertEquals(new HashSet<>(members), better.keySet());
    int[] weights = members.stream().mapToInt(better::get).toArray();
    int sum = Arrays.stream(weights).sum();
    assertTrue(sum > 500 && sum <= 1_000, sum + " in all");
    int[] parts = Division.byShares(batch, weights);
    assertEquals(batch, Arrays.stream(parts).sum());
    assertTrue(batch < parts.length || Arrays.stream(parts).min().orElse(0) >= 1);
    double[] paces = millis.stream().mapToDouble(Double::doubleValue).toArray();
    assertArrayEquals(Division.soonest(batch, paces), parts);
  }

  @Property(tries = 300)
  void division_endsNoLaterThanAnyWithOneSampleMoved(
      @ForAll @Size(min = 2, max = 8) List<@DoubleRange(min = 0.5, max = 200) Double> millis,
      @ForAll @IntRange(min = 8, max = 100) int samples) {
    double[] paces = millis.stream().mapToDouble(Double::doubleValue).toArray();
    int[] parts = Division.soonest(samples, paces);
    double soonest = Division.millis(parts, paces);
    for (int from = 0; from < parts.length; from++) {
      for (int to = 0; to < parts.length; to++) {
        if (from != to && parts[from] > 1) {
          int[] moved = parts.clone();
          moved[from]--;
          moved[to]++;
          assertTrue(Division.millis(moved, paces) >= soonest);
        }
      }
    }
  }
}
