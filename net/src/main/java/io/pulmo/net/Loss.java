package io.pulmo.net;

import io.pulmo.model.Finding;

/**
 * A loss on the logits of a batch: its value and its gradient, in plain Java and double precision.
 *
 * <p>A sample is one study; its crops share its fourteen labels. The arrays are row-major: logits
 * are [samples, cropsPerSample, 14], labels [samples, 14] in 0..1.
 */
public sealed interface Loss permits WeightedBinaryCrossEntropy, SoftmaxCrossEntropy {
  /**
   * The mean loss over the samples.
   *
   * @param gradient receives d(mean loss)/d(logits), as long as logits
   */
  double evaluate(
      float[] logits, int samples, int cropsPerSample, float[] labels, float[] gradient);

  /** Refuses arrays that are too short for the batch. */
  static void check(
      float[] logits, int samples, int cropsPerSample, float[] labels, float[] gradient) {
    if (samples < 1 || cropsPerSample < 1) {
      throw new IllegalArgumentException(
          "given %d samples of %d crops, expected at least 1 of each"
              .formatted(samples, cropsPerSample));
    }
    long outputs = (long) samples * cropsPerSample * Finding.COUNT;
    if (logits.length < outputs || gradient.length < outputs) {
      throw new IllegalArgumentException(
          "given %d logits and room for %d gradients, expected %d of each"
              .formatted(logits.length, gradient.length, outputs));
    }
    if (labels.length < samples * Finding.COUNT) {
      throw new IllegalArgumentException(
          "given %d labels, expected %d for %d samples"
              .formatted(labels.length, samples * Finding.COUNT, samples));
    }
  }

  /** The logistic function. */
  static double sigmoid(double logit) {
    return 1 / (1 + StrictMath.exp(-logit));
  }

  /** log(1 + exp(x)) without overflow: minus the logarithm of sigmoid(−x). */
  static double softplus(double x) {
    return Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
  }
}
