package io.pulmo.worker.train;

import io.pulmo.model.job.JobSpec;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;

/**
 * Stochastic gradient descent with momentum 0.9, as PyTorch does it: velocity = 0.9 · velocity +
 * gradient, weights −= rate · velocity.
 */
final class MomentumSgd implements Optimizer {
  private static final float MOMENTUM = 0.9f;
  private static final String VELOCITY = "velocity";

  private final float[] velocity;
  private long steps;

  MomentumSgd(int size) {
    this(new float[size], 0);
  }

  private MomentumSgd(float[] velocity, long steps) {
    this.velocity = velocity;
    this.steps = steps;
  }

  static MomentumSgd resume(Map<String, float[]> memory, long steps) {
    return new MomentumSgd(Objects.requireNonNull(memory.get(VELOCITY), VELOCITY), steps);
  }

  @Override
  public void step(float[] weights, float[] gradient, double learningRate) {
    steps++;
    float rate = (float) learningRate;
    for (int i = 0; i < weights.length; i++) {
      float v = MOMENTUM * velocity[i] + gradient[i];
      velocity[i] = v;
      weights[i] -= rate * v;
    }
  }

  @Override
  public SequencedMap<String, float[]> memory() {
    SequencedMap<String, float[]> memory = new LinkedHashMap<>();
    memory.put(VELOCITY, velocity);
    return memory;
  }

  @Override
  public JobSpec.Optimizer.Kind kind() {
    return JobSpec.Optimizer.Kind.SGD;
  }

  @Override
  public long steps() {
    return steps;
  }
}
