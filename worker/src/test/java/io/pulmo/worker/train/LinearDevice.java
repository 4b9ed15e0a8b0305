package io.pulmo.worker.train;

import io.pulmo.model.Finding;
import io.pulmo.net.Loss;
import io.pulmo.worker.device.Batch;
import io.pulmo.worker.device.GradientDevice;

/**
 * A logistic regression on pixels in plain Java: its gradient over a batch is the mean over any
 * division of it. Its statistics are the mean pixel and zero.
 */
final class LinearDevice implements GradientDevice {
  private final int pixels;
  private final Loss loss;
  private float[] weights = new float[0];

  LinearDevice(int sidePixels, Loss loss) {
    this.pixels = 3 * sidePixels * sidePixels;
    this.loss = loss;
  }

  @Override
  public void useThreads(int threads) {}

  @Override
  public void load(float[] learned, float[] statistics) {
    weights = learned.clone();
  }

  @Override
  public double backward(Batch batch, float[] gradient, float[] statistics) {
    float[] upstream = new float[batch.samples() * Finding.COUNT];
    double value =
        loss.evaluate(
            logits(batch.crops(), batch.samples(), batch.sidePixels()),
            batch.samples(),
            1,
            batch.labels(),
            upstream);
    double mean = 0;
    for (int f = 0; f < Finding.COUNT; f++) {
      for (int p = 0; p < pixels; p++) {
        double sum = 0;
        for (int s = 0; s < batch.samples(); s++) {
          sum += upstream[s * Finding.COUNT + f] * batch.crops()[s * pixels + p];
        }
        gradient[f * pixels + p] = (float) sum;
      }
    }
    for (int i = 0; i < batch.samples() * pixels; i++) {
      mean += batch.crops()[i] / (batch.samples() * pixels);
    }
    statistics[0] = (float) mean;
    statistics[1] = 0;
    return value;
  }

  @Override
  public float[] logits(float[] crops, int count, int sidePixels) {
    float[] logits = new float[count * Finding.COUNT];
    for (int s = 0; s < count; s++) {
      for (int f = 0; f < Finding.COUNT; f++) {
        double sum = 0;
        for (int p = 0; p < pixels; p++) {
          sum += weights[f * pixels + p] * crops[s * pixels + p];
        }
        logits[s * Finding.COUNT + f] = (float) sum;
      }
    }
    return logits;
  }

  @Override
  public void close() {}
}
