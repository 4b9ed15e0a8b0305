package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.bench.PlanChoice.Taken;
import io.pulmo.serving.backend.ExecutionPlan;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanChoiceTest {
  private static final ExecutionPlan USUAL = ExecutionPlan.untuned(2);
  private static final ExecutionPlan OTHER = ExecutionPlan.of(1, 10);

  @Test
  void candidates_anyNumberOfThreads_haveTheUsualAndEachOnce() {
    for (int threads = 1; threads <= 64; threads++) {
      List<ExecutionPlan> all = PlanChoice.candidates(threads);
      assertTrue(all.contains(ExecutionPlan.untuned(threads)), threads + " threads");
      assertEquals(all.size(), new HashSet<>(all).size(), threads + " threads");
      for (ExecutionPlan plan : all) {
        assertTrue(plan.streams() <= threads, threads + " threads: " + plan);
      }
    }
  }

  @Test
  void finalists_ofABriefSearch_areTheUsualTheBestTwoAndTheBestsKin() {
    ExecutionPlan best = ExecutionPlan.of(2, 2);
    assertEquals(
        List.of(
            USUAL,
            best,
            OTHER,
            new ExecutionPlan(2, 2, 3, false),
            new ExecutionPlan(2, 2, 4, true)),
        PlanChoice.finalists(
            Map.of(
                USUAL,
                new Taken(3, 3),
                OTHER,
                new Taken(2, 2),
                ExecutionPlan.of(1, 5),
                new Taken(4, 4),
                best,
                new Taken(1, 1)),
            USUAL));
  }

  /** The usual plan takes 1 s alone and 1 s among many. */
  @ParameterizedTest
  @CsvSource({
    "0.9, 0.9, true",
    // Half a hundredth each: no more than noise.
    "0.995, 0.995, false",
    "1.1, 1.1, false",
    // Alone and among many count the same: what one gains the other may not lose.
    "0.5, 2.1, false",
    "2.1, 0.5, false",
    "0.5, 1.9, true",
    "1.9, 0.5, true",
  })
  void of_anotherPlan_isItIfItIsClearlyBetter(double lone, double many, boolean better) {
    ExecutionPlan chosen =
        PlanChoice.of(Map.of(USUAL, new Taken(1, 1), OTHER, new Taken(lone, many)), USUAL);
    assertEquals(better ? OTHER : USUAL, chosen);
  }
}
