package io.pulmo.bench;

import io.pulmo.serving.backend.ExecutionPlan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Which execution plans are tried, and which one is kept.
 *
 * <p>What counts is a lone study's time and that of a study among many, equally: the geometric mean
 * of both.
 */
final class PlanChoice {
  private static final int FINALISTS = 2;
  private static final int MOST_STREAMS = 16;

  /** What the usual plan must be bettered by: such measurements scatter by a hundredth or two. */
  private static final double LEAST_GAIN = 0.02;

  private PlanChoice() {}

  /** What a plan took: seconds a study alone, and among many. */
  record Taken(double lone, double many) {
    double score() {
      return Math.sqrt(lone * many);
    }
  }

  /**
   * Every cut on the usual number of streams, on one, on half as many as threads and on as many.
   */
  static List<ExecutionPlan> candidates(int threads) {
    Set<Integer> streams = new LinkedHashSet<>();
    streams.add(ExecutionPlan.untuned(threads).streams());
    streams.add(1);
    streams.add(Math.max(1, threads / 2));
    streams.add(Math.min(threads, MOST_STREAMS));
    List<ExecutionPlan> all = new ArrayList<>();
    for (int count : streams) {
      for (int cut : ExecutionPlan.CUTS) {
        all.add(ExecutionPlan.of(count, cut));
      }
    }
    return all;
  }

  /**
   * The usual plan and the best two, and the best also with fewer requests in flight and pinned to
   * processors.
   */
  static List<ExecutionPlan> finalists(Map<ExecutionPlan, Taken> brief, ExecutionPlan usual) {
    List<ExecutionPlan> bestFirst =
        brief.keySet().stream()
            .sorted(Comparator.comparingDouble(plan -> score(brief, plan)))
            .limit(FINALISTS)
            .toList();
    ExecutionPlan best = bestFirst.getFirst();
    int cut = best.cropsPerRequest();
    Set<ExecutionPlan> finalists = new LinkedHashSet<>(List.of(usual));
    finalists.addAll(bestFirst);
    finalists.add(new ExecutionPlan(cut, best.streams(), best.streams() + 1, false));
    finalists.add(new ExecutionPlan(cut, best.streams(), best.requests(), true));
    return List.copyOf(finalists);
  }

  /**
   * The best, if it is better than the usual plan by more than such measurements scatter; else the
   * usual.
   */
  static ExecutionPlan of(Map<ExecutionPlan, Taken> taken, ExecutionPlan usual) {
    ExecutionPlan best =
        taken.keySet().stream()
            .min(Comparator.comparingDouble(plan -> score(taken, plan)))
            .orElseThrow();
    return score(taken, best) > (1 - LEAST_GAIN) * score(taken, usual) ? usual : best;
  }

  private static double score(Map<ExecutionPlan, Taken> taken, ExecutionPlan plan) {
    return Objects.requireNonNull(taken.get(plan), plan.toString()).score();
  }
}
