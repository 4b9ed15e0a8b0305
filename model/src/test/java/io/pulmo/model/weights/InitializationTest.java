package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class InitializationTest {
  private static final DenseNetSpec SPEC = Preset.SMALL.network();

  @Test
  void random_sameSeed_sameBitsOnEveryMachine() {
    float[] learned = Initialization.random(SPEC, 7).learned();
    assertArrayEquals(learned, Initialization.random(SPEC, 7).learned());
    assertFalse(Arrays.equals(learned, Initialization.random(SPEC, 8).learned()));
    // The bits as they were when this test was written: another machine must give them too.
    assertEquals(309_838_988, Arrays.hashCode(learned));
  }

  @Test
  void random_convolutions_areNormalByFanIn() {
    Weights weights = Initialization.random(SPEC, 7);
    double expected = Math.sqrt(2.0 / (3 * 7 * 7));
    float[] values = values(weights, "features.conv0.weight");
    double deviation = Math.sqrt(square(values) / values.length);
    assertEquals(expected, deviation, 0.05 * expected);
    assertEquals(0, mean(values), 4 * expected / Math.sqrt(values.length));
    long beyond =
        IntStream.range(0, values.length).filter(i -> Math.abs(values[i]) > 2 * expected).count();
    assertEquals(0.0455, (double) beyond / values.length, 0.02);
  }

  @Test
  void random_classifier_isUniformByFanIn() {
    Weights weights = Initialization.random(SPEC, 7);
    float[] values = values(weights, "classifier.weight");
    double bound = 1 / Math.sqrt(values.length / 14.0);
    assertEquals(bound / Math.sqrt(3), Math.sqrt(square(values) / values.length), 0.05 * bound);
    for (float value : values) {
      assertTrue(Math.abs(value) <= bound, "value " + value + " beyond " + bound);
    }
    assertEquals(0, square(values(weights, "classifier.bias")));
  }

  @Test
  void random_batchNorms_areTheIdentity() {
    Weights weights = Initialization.random(SPEC, 7);
    assertEquals(16, square(values(weights, "features.norm0.weight")));
    assertEquals(1, mean(values(weights, "features.norm0.weight")));
    assertEquals(0, square(values(weights, "features.norm0.bias")));
    assertEquals(0, square(values(weights, "features.norm0.running_mean")));
    assertEquals(1, mean(values(weights, "features.norm0.running_var")));
  }

  private static float[] values(Weights weights, String name) {
    var tensor = weights.tensors().get(name);
    assertNotNull(tensor, name);
    return tensor.values();
  }

  private static double mean(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).average().orElseThrow();
  }

  private static double square(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> (double) values[i] * values[i]).sum();
  }
}
