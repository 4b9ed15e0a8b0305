package io.pulmo.worker.device;

/**
 * What computes gradients: it returns gradients, batch statistics and losses, and nothing of it
 * changes the weights, which the host's optimizer keeps.
 *
 * <p>Flat vectors are laid out as {@link io.pulmo.model.network.DenseNetSpec#learned()} and {@link
 * io.pulmo.model.network.DenseNetSpec#statistics()} say.
 */
public interface GradientDevice extends AutoCloseable {
  /** Sets how many threads it may use from now on. */
  void useThreads(int threads);

  /** Takes a copy of the weights and running statistics. */
  void load(float[] learned, float[] statistics);

  /**
   * The mean loss of at least one sample.
   *
   * @param gradient receives the mean loss's gradient
   * @param statistics receives the mean and unbiased variance of each batch norm's input
   */
  double backward(Batch batch, float[] gradient, float[] statistics);

  /** The logits [crops, 14] with the running statistics. */
  float[] logits(float[] crops, int count, int sidePixels);

  @Override
  void close();
}
