package io.pulmo.worker.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.pulmo.model.job.JobSpec;
import org.junit.jupiter.api.Test;

class OptimizerTest {
  @Test
  void adam_fiveSteps_areAsPyTorchTakesThem() {
    assertArrayEquals(
        new float[] {0.4514917f, -1.2327013f, 2.0280547f, 0.001f},
        fiveSteps(JobSpec.Optimizer.Kind.ADAM),
        5e-7f);
  }

  @Test
  void sgd_fiveSteps_areAsPyTorchTakesThem() {
    assertArrayEquals(
        new float[] {0.4682969f, -1.2476857f, 2.0000076f, 0.001f},
        fiveSteps(JobSpec.Optimizer.Kind.SGD),
        5e-7f);
  }

  private static float[] fiveSteps(JobSpec.Optimizer.Kind kind) {
    float[] weights = {0.5f, -1.25f, 2f, 1e-3f};
    Optimizer optimizer = Optimizer.create(kind, weights.length);
    for (int s = 0; s < 5; s++) {
      float[] gradient = {0.1f * (s + 1), -0.3f + 0.2f * s, 1e-4f * (s - 2), 0};
      optimizer.step(weights, gradient, 1e-2);
    }
    return weights;
  }
}
