package io.pulmo.worker.train;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * Stochastic gradient descent with momentum 0.9, as PyTorch does it: velocity = 0.9 · velocity +
 * gradient, weights −= rate · velocity.
 */
final class MomentumSgd implements Optimizer {
  private static final float MOMENTUM = 0.9f;

  private final float[] velocity;
  private long steps;

  MomentumSgd(int size) {
    velocity = new float[size];
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
    memory.put("velocity", velocity);
    return memory;
  }

  @Override
  public long steps() {
    return steps;
  }
}
