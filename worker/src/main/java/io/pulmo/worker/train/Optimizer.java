package io.pulmo.worker.train;

import io.pulmo.model.job.JobSpec;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A rule by which gradients change weights, and what it remembers between steps.
 *
 * <p>Single precision throughout and no function whose last bit depends on the machine, so that
 * equal gradients give equal weights everywhere.
 */
public sealed interface Optimizer permits Adam, MomentumSgd {
  /** The rule of a job, remembering nothing yet. */
  static Optimizer create(JobSpec.Optimizer.Kind kind, int size) {
    return switch (kind) {
      case ADAM -> new Adam(size);
      case SGD -> new MomentumSgd(size);
    };
  }

  /**
   * The rule as it was after so many steps.
   *
   * @param memory what {@link #memory} gave; not copied
   */
  static Optimizer resume(JobSpec.Optimizer.Kind kind, Map<String, float[]> memory, long steps) {
    return switch (kind) {
      case ADAM -> Adam.resume(memory, steps);
      case SGD -> MomentumSgd.resume(memory, steps);
    };
  }

  /** Changes the weights by one step. */
  void step(float[] weights, float[] gradient, double learningRate);

  /** What it remembers: arrays as long as the weights, not copied. */
  SequencedMap<String, float[]> memory();

  /** Which rule. */
  JobSpec.Optimizer.Kind kind();

  /** Steps taken. */
  long steps();
}
