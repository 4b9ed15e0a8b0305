package io.pulmo.net;

import io.pulmo.model.Finding;

/**
 * Binary cross-entropy of each finding's sigmoid, positives and negatives weighted by finding; the
 * mean over a sample's crops and findings.
 *
 * <p>Source: Rajpurkar et al., "CheXNet", 2017, section 2.1.
 *
 * @param positiveWeight fourteen weights of the term of a positive label; not copied
 * @param negativeWeight fourteen weights of the term of a negative label; not copied
 */
public record WeightedBinaryCrossEntropy(float[] positiveWeight, float[] negativeWeight)
    implements Loss {
  /** Checks that there are fourteen of each and that all are finite and not negative. */
  public WeightedBinaryCrossEntropy {
    check("positiveWeight", positiveWeight);
    check("negativeWeight", negativeWeight);
  }

  private static void check(String what, float[] weights) {
    if (weights.length != Finding.COUNT) {
      throw new IllegalArgumentException(
          "%s has %d values, expected %d".formatted(what, weights.length, Finding.COUNT));
    }
    for (int f = 0; f < weights.length; f++) {
      if (!(weights[f] >= 0 && weights[f] <= Float.MAX_VALUE)) {
        throw new IllegalArgumentException(
            "%s of %s is %s, expected a finite number from 0"
                .formatted(what, Finding.ALL.get(f).label(), weights[f]));
      }
    }
  }

  /**
   * The weights that let positives and negatives of a finding count the same: N/(P+N) for
   * positives, P/(P+N) for negatives. A finding that is always or never there weighs one half each,
   * else its loss would be zero and its output arbitrary.
   *
   * @param positives how many samples show each finding
   * @param total how many samples there are
   */
  public static WeightedBinaryCrossEntropy balanced(long[] positives, long total) {
    if (positives.length != Finding.COUNT) {
      throw new IllegalArgumentException(
          "given %d counts of positives, expected %d".formatted(positives.length, Finding.COUNT));
    }
    float[] positive = new float[Finding.COUNT];
    float[] negative = new float[Finding.COUNT];
    for (int f = 0; f < Finding.COUNT; f++) {
      if (positives[f] < 0 || positives[f] > total) {
        throw new IllegalArgumentException(
            "%s has %d positives, expected a number from 0 to the total of %d"
                .formatted(Finding.ALL.get(f).label(), positives[f], total));
      }
      boolean constant = positives[f] == 0 || positives[f] == total;
      positive[f] = constant ? 0.5f : (float) ((double) (total - positives[f]) / total);
      negative[f] = constant ? 0.5f : (float) ((double) positives[f] / total);
    }
    return new WeightedBinaryCrossEntropy(positive, negative);
  }

  @Override
  public double evaluate(
      float[] logits, int samples, int cropsPerSample, float[] labels, float[] gradient) {
    Loss.check(logits, samples, cropsPerSample, labels, gradient);
    int terms = samples * cropsPerSample * Finding.COUNT;
    double sum = 0;
    for (int i = 0; i < terms; i++) {
      int finding = i % Finding.COUNT;
      int sample = i / (cropsPerSample * Finding.COUNT);
      double label = labels[sample * Finding.COUNT + finding];
      double positive = positiveWeight[finding] * label;
      double negative = negativeWeight[finding] * (1 - label);
      double probability = Loss.sigmoid(logits[i]);
      sum += positive * Loss.softplus(-logits[i]) + negative * Loss.softplus(logits[i]);
      gradient[i] = (float) ((negative * probability - positive * (1 - probability)) / terms);
    }
    return sum / terms;
  }
}
