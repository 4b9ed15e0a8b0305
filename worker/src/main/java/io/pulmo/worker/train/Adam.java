package io.pulmo.worker.train;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/** Adam (Kingma and Ba, 2015) with its defaults: beta 0.9 and 0.999, epsilon 1e-8. */
final class Adam implements Optimizer {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final float EPSILON = 1e-8f;

  private final float[] firstMoment;
  private final float[] secondMoment;
  private long steps;
  // Running products: Math.pow may differ in the last bit between machines.
  private double beta1Power = 1;
  private double beta2Power = 1;

  Adam(int size) {
    firstMoment = new float[size];
    secondMoment = new float[size];
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
    memory.put("first_moment", firstMoment);
    memory.put("second_moment", secondMoment);
    return memory;
  }

  @Override
  public long steps() {
    return steps;
  }
}
