package io.pulmo.serving.backend;

import java.util.Optional;

/**
 * A network loaded into an engine, which judges one study's ten crops at a time.
 *
 * <p>Safe for use by several threads. A call is native and long: make it on a platform thread.
 */
public sealed interface Backend extends AutoCloseable permits OpenVinoBackend, TorchBackend {
  /** What it is. */
  Mode mode();

  /** Which weights a quantized network has; empty for one that is not quantized. */
  Optional<WeightRange> weightRange();

  /** How many calls side by side keep the machine busy; more wait for one another. */
  int parallelism();

  /**
   * The probabilities of the fourteen findings: the mean over the ten crops.
   *
   * @param crops [10, 3, side, side] in row-major order, normalized; not changed
   */
  float[] judge(float[] crops);

  /** Frees the engine's memory; waits for calls that run. */
  @Override
  void close();
}
