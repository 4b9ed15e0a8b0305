package io.pulmo.worker.train;

import io.pulmo.model.job.JobSpec;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;

/** Adam (Kingma and Ba, 2015) with its defaults: beta 0.9 and 0.999, epsilon 1e-8. */
final class Adam implements Optimizer {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final float EPSILON = 1e-8f;
  private static final String FIRST = "first_moment";
  private static final String SECOND = "second_moment";

  private final float[] firstMoment;
  private final float[] secondMoment;
  private long steps;
  // Running products: Math.pow may differ in the last bit between machines.
  private double beta1Power;
  private double beta2Power;

  Adam(int size) {
    this(new float[size], new float[size], 0);
  }

  private Adam(float[] firstMoment, float[] secondMoment, long steps) {
    this.firstMoment = firstMoment;
    this.secondMoment = secondMoment;
    this.steps = steps;
    this.beta1Power = power(BETA1, steps);
    this.beta2Power = power(BETA2, steps);
  }

  static Adam resume(Map<String, float[]> memory, long steps) {
    return new Adam(
        Objects.requireNonNull(memory.get(FIRST), FIRST),
        Objects.requireNonNull(memory.get(SECOND), SECOND),
        steps);
  }

  @Override
  public void step(float[] weights, float[] gradient, double learningRate) {
    steps++;
    beta1Power *= BETA1;
    beta2Power *= BETA2;
    float stepSize = (float) (learningRate / (1 - beta1Power));
    float rootCorrection = (float) Math.sqrt(1 - beta2Power);
    float beta1 = (float) BETA1;
    float rest1 = (float) (1 - BETA1);
    float beta2 = (float) BETA2;
    float rest2 = (float) (1 - BETA2);
    float[] first = firstMoment;
    float[] second = secondMoment;
    for (int i = 0; i < weights.length; i++) {
      float g = gradient[i];
      float m = beta1 * first[i] + rest1 * g;
      float v = beta2 * second[i] + rest2 * g * g;
      first[i] = m;
      second[i] = v;
      weights[i] -= stepSize * m / ((float) Math.sqrt(v) / rootCorrection + EPSILON);
    }
  }

  @Override
  public SequencedMap<String, float[]> memory() {
    SequencedMap<String, float[]> memory = new LinkedHashMap<>();
    memory.put(FIRST, firstMoment);
    memory.put(SECOND, secondMoment);
    return memory;
  }

  @Override
  public JobSpec.Optimizer.Kind kind() {
    return JobSpec.Optimizer.Kind.ADAM;
  }

  @Override
  public long steps() {
    return steps;
  }

  /** The running product, bit for bit. */
  private static double power(double beta, long steps) {
    double power = 1;
    for (long i = 0; i < steps; i++) {
      double next = power * beta;
      // At the smallest numbers it moves no more: a step count without end costs no more either.
      if (next == power) {
        break;
      }
      power = next;
    }
    return power;
  }
}
