package io.pulmo.net;

import io.pulmo.model.Finding;

/**
 * Cross-entropy of the 0/1 labels against the softmax of the mean of the crops' sigmoid outputs.
 *
 * <p>For one sample p is the mean over its crops of sigmoid(logits), and the loss −Σ y log
 * softmax(p): PyTorch's {@code CrossEntropyLoss} with the labels as probabilities that need not sum
 * to 1.
 */
public record SoftmaxCrossEntropy() implements Loss {
  @Override
  public double evaluate(
      float[] logits, int samples, int cropsPerSample, float[] labels, float[] gradient) {
    Loss.check(logits, samples, cropsPerSample, labels, gradient);
    double sum = 0;
    double[] mean = new double[Finding.COUNT];
    for (int s = 0; s < samples; s++) {
      int first = s * cropsPerSample * Finding.COUNT;
      for (int f = 0; f < Finding.COUNT; f++) {
        mean[f] = 0;
        for (int c = 0; c < cropsPerSample; c++) {
          mean[f] += Loss.sigmoid(logits[first + c * Finding.COUNT + f]) / cropsPerSample;
        }
      }
      double exponentials = 0;
      double labelSum = 0;
      for (int f = 0; f < Finding.COUNT; f++) {
        // The means lie in 0..1, so that no exponential overflows.
        exponentials += StrictMath.exp(mean[f]);
        labelSum += labels[s * Finding.COUNT + f];
      }
      double logExponentials = StrictMath.log(exponentials);
      for (int f = 0; f < Finding.COUNT; f++) {
        double label = labels[s * Finding.COUNT + f];
        sum += label * (logExponentials - mean[f]);
        double byMean = labelSum * StrictMath.exp(mean[f] - logExponentials) - label;
        for (int c = 0; c < cropsPerSample; c++) {
          int i = first + c * Finding.COUNT + f;
          double probability = Loss.sigmoid(logits[i]);
          gradient[i] =
              (float) (byMean * probability * (1 - probability) / cropsPerSample / samples);
        }
      }
    }
    return sum / samples;
  }
}
