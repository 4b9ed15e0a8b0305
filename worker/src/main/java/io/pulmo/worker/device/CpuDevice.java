package io.pulmo.worker.device;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.net.DenseNet;
import io.pulmo.net.Loss;

/** This process's processors, through libtorch. */
public final class CpuDevice implements GradientDevice {
  private final DenseNet network;
  private final Loss loss;

  /**
   * A device without weights yet.
   *
   * @param threads how many compute one operation
   */
  public CpuDevice(DenseNetSpec spec, Loss loss, int threads) {
    this.network = DenseNet.create(spec, threads);
    this.loss = loss;
  }

  @Override
  public void useThreads(int threads) {
    network.setThreads(threads);
  }

  @Override
  public void load(float[] learned, float[] statistics) {
    network.load(learned, statistics);
  }

  @Override
  public double backward(Batch batch, float[] gradient, float[] statistics) {
    return network.backward(
        batch.crops(),
        batch.samples(),
        batch.cropsPerSample(),
        batch.sidePixels(),
        batch.labels(),
        loss,
        gradient,
        statistics);
  }

  @Override
  public float[] logits(float[] crops, int count, int sidePixels) {
    return network.logits(crops, count, sidePixels);
  }

  @Override
  public void close() {
    network.close();
  }
}
