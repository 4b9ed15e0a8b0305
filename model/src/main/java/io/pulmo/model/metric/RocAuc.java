package io.pulmo.model.metric;

import java.util.Arrays;

/**
 * The area under the ROC curve: how often a positive scores above a negative, ties counting half.
 *
 * <p>It is the Mann-Whitney U over the number of pairs, counted exactly in integers after one sort
 * of the scores: O(n log n).
 */
public final class RocAuc {
  private RocAuc() {}

  /**
   * The area, in 0..1.
   *
   * @param scores one a sample, higher for positive; any finite numbers or infinities
   * @param positive one a sample
   * @return NaN without a positive or without a negative
   * @throws IllegalArgumentException if the counts differ or a score is NaN
   */
  public static double of(float[] scores, boolean[] positive) {
    if (scores.length != positive.length) {
      throw new IllegalArgumentException(
          scores.length + " scores for " + positive.length + " labels, expected as many");
    }
    // Sorted as numbers: the score's bits, made to sort like the score, above the label's bit.
    long[] keys = new long[scores.length];
    for (int i = 0; i < keys.length; i++) {
      if (Float.isNaN(scores[i])) {
        throw new IllegalArgumentException("score " + i + " is NaN, expected a number");
      }
      // 0 is added so that -0 becomes 0.
      int bits = Float.floatToIntBits(scores[i] + 0f);
      int ordered = bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
      keys[i] = (long) ordered << 1 | (positive[i] ? 1 : 0);
    }
    Arrays.sort(keys);
    long negativesBelow = 0;
    long positives = 0;
    // Twice the number of pairs in the right order, so that a tie counts 1.
    long twice = 0;
    for (int from = 0; from < keys.length; ) {
      long score = keys[from] >> 1;
      long tiedPositives = 0;
      int to = from;
      while (to < keys.length && keys[to] >> 1 == score) {
        tiedPositives += keys[to++] & 1;
      }
      long tiedNegatives = to - from - tiedPositives;
      twice += tiedPositives * (2 * negativesBelow + tiedNegatives);
      negativesBelow += tiedNegatives;
      positives += tiedPositives;
      from = to;
    }
    if (positives == 0 || negativesBelow == 0) {
      return Double.NaN;
    }
    return twice / (2.0 * positives * negativesBelow);
  }
}
