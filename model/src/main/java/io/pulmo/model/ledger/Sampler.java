package io.pulmo.model.ledger;

import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;

/**
 * Which samples make which step: a function of the seed alone, not of who computes them.
 *
 * @param samples how many there are
 * @param batch the most samples of a step; where they do not divide evenly, an epoch's steps are
 *     nearly equal instead of the last one tiny, which its batch norms would suffer from
 * @param seed of order and augmentation
 */
public record Sampler(int samples, int batch, long seed) {
  // java.util.Random's algorithm is part of its specification, so every machine draws the same.

  /** Checks the sizes. */
  public Sampler {
    if (samples < 1) {
      throw new IllegalArgumentException("the training list is empty: expected a sample at least");
    }
    if (batch < 1) {
      throw new IllegalArgumentException("batch is " + batch + ", expected 1 at least");
    }
  }

  /**
   * A stretch of an epoch's order.
   *
   * @param from first position
   * @param to after the last
   */
  public record Range(int from, int to) {
    /** How many positions. */
    public int size() {
      return to - from;
    }
  }

  /** Steps of an epoch. */
  public int stepsPerEpoch() {
    return Math.ceilDiv(samples, batch);
  }

  /** The order of an epoch: the sample at each position (Fisher and Yates). */
  public int[] order(int epoch) {
    int[] order = new int[samples];
    for (int i = 0; i < samples; i++) {
      order[i] = i;
    }
    Random random = new Random(mix(mix(seed) + epoch));
    for (int i = samples - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }

  /** All positions of a step of an epoch. */
  public Range batchOf(int step) {
    int steps = stepsPerEpoch();
    return new Range(
        (int) ((long) samples * step / steps), (int) ((long) samples * (step + 1) / steps));
  }

  /** The randomness that augments the sample at a position of an epoch. */
  public RandomGenerator augmentation(int epoch, int position) {
    return new Random(mix(mix(mix(seed) + epoch) + ~position));
  }

  /**
   * A member's part of a range: the parts of all ranks are disjoint, in order, and cover it.
   *
   * @param shares of all members, relative to their sum
   */
  public static Range part(Range range, List<Integer> shares, int rank) {
    long total = 0;
    long before = 0;
    for (int i = 0; i < shares.size(); i++) {
      total += shares.get(i);
      before += i < rank ? shares.get(i) : 0;
    }
    long upTo = before + shares.get(rank);
    return new Range(
        range.from + (int) (range.size() * before / total),
        range.from + (int) (range.size() * upTo / total));
  }

  /** SplitMix64's finalizer (Steele, Lea and Flood, 2014): near seeds give unrelated results. */
  private static long mix(long seed) {
    long z = seed + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
