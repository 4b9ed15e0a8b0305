package io.pulmo.coordinator.ring;

import java.util.Arrays;

/** How the samples of a step are divided among members. */
final class Division {
  private Division() {}

  /**
   * The samples of each member by its share, as workers work them out: by rounding down the ends of
   * the parts.
   *
   * @param samples of the step
   * @param shares by rank, not all 0
   */
  static int[] byShares(int samples, int[] shares) {
    long total = 0;
    for (int share : shares) {
      total += share;
    }
    int[] parts = new int[shares.length];
    long before = 0;
    for (int rank = 0; rank < shares.length; rank++) {
      long upTo = before + shares[rank];
      parts[rank] = (int) (samples * upTo / total) - (int) (samples * before / total);
      before = upTo;
    }
    return parts;
  }

  /**
   * The division that ends soonest: nobody takes longer than need be, and everybody has a sample
   * where there are enough. It gives one sample after the other to whoever would be done with it
   * first, which is optimal for times that are proportional to samples.
   *
   * @param samples of the step
   * @param millisPerSample by rank, above 0
   */
  static int[] soonest(int samples, double[] millisPerSample) {
    int[] parts = new int[millisPerSample.length];
    int left = samples;
    if (samples >= parts.length) {
      Arrays.fill(parts, 1);
      left -= parts.length;
    }
    for (; left > 0; left--) {
      int first = 0;
      for (int rank = 1; rank < parts.length; rank++) {
        if ((parts[rank] + 1) * millisPerSample[rank]
            < (parts[first] + 1) * millisPerSample[first]) {
          first = rank;
        }
      }
      parts[first]++;
    }
    return parts;
  }

  /** How long the slowest member takes for its part. */
  static double millis(int[] parts, double[] millisPerSample) {
    double longest = 0;
    for (int rank = 0; rank < parts.length; rank++) {
      longest = Math.max(longest, parts[rank] * millisPerSample[rank]);
    }
    return longest;
  }
}
