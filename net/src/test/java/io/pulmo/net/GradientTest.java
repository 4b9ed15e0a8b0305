package io.pulmo.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GradientTest {
  private static final int SAMPLES = 4;
  private static final int CROPS = 2;

  private final SplittableRandom random = new SplittableRandom(11);
  private final Weights weights = Initialization.random(Fixtures.TINY, 5);
  private final float[] crops = Fixtures.crops(random, SAMPLES * CROPS);
  private final float[] labels = Fixtures.labels(random, SAMPLES);
  private final float[] gradient = new float[Fixtures.TINY.learnedSize()];
  private final float[] statistics = new float[Fixtures.TINY.statisticsSize()];
  private final DenseNet net = DenseNet.create(Fixtures.TINY, 1);

  @BeforeEach
  void load() {
    net.load(weights);
  }

  @AfterEach
  void close() {
    net.close();
  }

  static List<Loss> losses() {
    return LossTest.losses();
  }

  private double backward(Loss loss) {
    return net.backward(crops, SAMPLES, CROPS, Fixtures.SIDE, labels, loss, gradient, statistics);
  }

  @ParameterizedTest
  @MethodSource("losses")
  void backward_gradient_agreesWithFiniteDifferences(Loss loss) {
    float[] learned = weights.learned();
    backward(loss);
    float[] at = gradient.clone();
    double worst = 0;
    for (int round = 0; round < 20; round++) {
      float[] direction = Fixtures.normal(random, learned.length);
      // Half of each direction is the gradient's own, so that the slope stands clear of rounding.
      double norm = norm(at);
      double scale = norm / norm(direction);
      double slope = 0;
      for (int i = 0; i < direction.length; i++) {
        direction[i] = (float) ((at[i] + direction[i] * scale) / norm);
        slope += (double) direction[i] * at[i];
      }
      float step = 1e-3f;
      double difference =
          (lossAt(loss, learned, direction, step) - lossAt(loss, learned, direction, -step))
              / (2 * step);
      worst = Math.max(worst, Math.abs(difference - slope) / slope);
    }
    assertTrue(worst < 5e-3, "relative error " + worst);
  }

  @ParameterizedTest
  @MethodSource("losses")
  void backward_eachArraysGradient_agreesWithFiniteDifferences(Loss loss) {
    float[] learned = weights.learned();
    backward(loss);
    float[] at = gradient.clone();
    int offset = 0;
    for (var parameter : Fixtures.TINY.learned()) {
      float[] direction = new float[learned.length];
      double norm = norm(Arrays.copyOfRange(at, offset, offset + parameter.size()));
      for (int i = offset; i < offset + parameter.size(); i++) {
        direction[i] = (float) (at[i] / norm);
      }
      float step = 2e-3f;
      double difference =
          (lossAt(loss, learned, direction, step) - lossAt(loss, learned, direction, -step))
              / (2 * step);
      // The rectifiers' kinks make it coarse, most of all where what the first max-pool gives, many
      // of them the same zero, is shifted as one.
      boolean kinks = parameter.name().equals("features.denseblock1.denselayer1.norm1.bias");
      double tolerance = (kinks ? 0.25 : 0.05) * norm + 2e-5;
      assertEquals(norm, difference, tolerance, parameter.name());
      offset += parameter.size();
    }
  }

  private double lossAt(Loss loss, float[] learned, float[] direction, float step) {
    float[] moved = new float[learned.length];
    for (int i = 0; i < moved.length; i++) {
      moved[i] = learned[i] + step * direction[i];
    }
    net.load(moved, weights.statistics());
    return backward(loss);
  }

  private static double norm(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }

  @Test
  void backward_firstBatchNorm_givesTheBatchsMeanAndUnbiasedVariance() {
    backward(new SoftmaxCrossEntropy());
    int channels = Fixtures.TINY.stemChannels();
    int out = Fixtures.SIDE / 2;
    for (int channel = 0; channel < channels; channel++) {
      double[] values = new double[SAMPLES * CROPS * out * out];
      int i = 0;
      for (int crop = 0; crop < SAMPLES * CROPS; crop++) {
        for (int y = 0; y < out; y++) {
          for (int x = 0; x < out; x++) {
            values[i++] = firstConvolution(channel, crop, y, x);
          }
        }
      }
      double mean = Arrays.stream(values).average().orElseThrow();
      double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
      assertEquals(mean, statistics[channel], 1e-5);
      double variance = squares / (values.length - 1);
      assertEquals(variance, statistics[channels + channel], 1e-5 * variance);
    }
  }

  /** A 7 × 7 convolution of stride 2 and padding 3. */
  private double firstConvolution(int channel, int crop, int y, int x) {
    float[] kernel = weights.learned();
    double sum = 0;
    for (int c = 0; c < 3; c++) {
      for (int ky = 0; ky < 7; ky++) {
        for (int kx = 0; kx < 7; kx++) {
          int py = 2 * y - 3 + ky;
          int px = 2 * x - 3 + kx;
          if (py >= 0 && py < Fixtures.SIDE && px >= 0 && px < Fixtures.SIDE) {
            sum +=
                (double) kernel[((channel * 3 + c) * 7 + ky) * 7 + kx]
                    * crops[((crop * 3 + c) * Fixtures.SIDE + py) * Fixtures.SIDE + px];
          }
        }
      }
    }
    return sum;
  }

  @Test
  void backward_twice_sameGradientAndUntouchedStatistics() {
    float[] before = net.logits(crops, SAMPLES, Fixtures.SIDE);
    Loss loss = new SoftmaxCrossEntropy();
    double first = backward(loss);
    float[] gradientOfFirst = gradient.clone();
    assertEquals(first, backward(loss));
    assertArrayEquals(gradientOfFirst, gradient);
    assertArrayEquals(before, net.logits(crops, SAMPLES, Fixtures.SIDE));
  }

  @Test
  void backward_afterNotANumber_recovers() {
    Loss loss = new SoftmaxCrossEntropy();
    double first = backward(loss);
    float[] poisoned = weights.learned();
    poisoned[0] = Float.NaN;
    net.load(poisoned, weights.statistics());
    assertTrue(Double.isNaN(backward(loss)));
    net.load(weights);
    assertEquals(first, backward(loss));
    for (float value : statistics) {
      assertTrue(Float.isFinite(value), "statistic " + value);
    }
  }

  @Test
  void backward_fewDozenStepsOfDescent_lowerTheLoss() {
    Loss loss = WeightedBinaryCrossEntropy.balanced(new long[Finding.COUNT], 1);
    float[] learned = weights.learned();
    double first = backward(loss);
    double last = first;
    for (int step = 0; step < 60; step++) {
      for (int i = 0; i < learned.length; i++) {
        learned[i] -= gradient[i];
      }
      net.load(learned, weights.statistics());
      last = backward(loss);
    }
    assertTrue(last < 0.75 * first, "from " + first + " to " + last);
  }
}
