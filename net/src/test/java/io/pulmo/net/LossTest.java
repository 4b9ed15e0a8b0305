package io.pulmo.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LossTest {
  private static final int SAMPLES = 3;
  private static final int CROPS = 2;

  static List<Loss> losses() {
    long[] positives = new long[Finding.COUNT];
    Arrays.setAll(positives, f -> 3L * f);
    return List.of(WeightedBinaryCrossEntropy.balanced(positives, 50), new SoftmaxCrossEntropy());
  }

  @ParameterizedTest
  @MethodSource("losses")
  void evaluate_gradient_agreesWithFiniteDifferences(Loss loss) {
    SplittableRandom random = new SplittableRandom(3);
    float[] labels = Fixtures.labels(random, SAMPLES);
    float[] logits = Fixtures.normal(random, SAMPLES * CROPS * Finding.COUNT);
    float[] gradient = new float[logits.length];
    loss.evaluate(logits, SAMPLES, CROPS, labels, gradient);
    float[] unused = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      float[] moved = logits.clone();
      moved[i] = logits[i] + 0.01f;
      double above = loss.evaluate(moved, SAMPLES, CROPS, labels, unused);
      double step = moved[i];
      moved[i] = logits[i] - 0.01f;
      double below = loss.evaluate(moved, SAMPLES, CROPS, labels, unused);
      step -= moved[i];
      assertEquals((above - below) / step, gradient[i], 1e-6, "logit " + i);
    }
  }

  @Test
  void binaryCrossEntropy_knownLogits_isTheFormula() {
    float[] ones = new float[Finding.COUNT];
    Arrays.fill(ones, 1);
    float[] labels = new float[Finding.COUNT];
    labels[2] = 1;
    float[] gradient = new float[Finding.COUNT];
    double loss =
        new WeightedBinaryCrossEntropy(ones, ones)
            .evaluate(new float[Finding.COUNT], 1, 1, labels, gradient);
    assertEquals(Math.log(2), loss, 1e-12);
    assertEquals(-0.5 / 14, gradient[2], 1e-7);
    assertEquals(0.5 / 14, gradient[3], 1e-7);
  }

  @Test
  void binaryCrossEntropy_extremeLogits_staysFinite() {
    float[] ones = new float[Finding.COUNT];
    Arrays.fill(ones, 1);
    float[] logits = new float[Finding.COUNT];
    Arrays.fill(logits, 1000);
    logits[1] = -1000;
    float[] labels = new float[Finding.COUNT];
    float[] gradient = new float[Finding.COUNT];
    double loss =
        new WeightedBinaryCrossEntropy(ones, ones).evaluate(logits, 1, 1, labels, gradient);
    assertEquals(13000.0 / 14, loss, 1e-9);
    assertEquals(1f / 14, gradient[0]);
    assertEquals(0, gradient[1]);
  }

  @Test
  void balanced_counts_weighBothSidesTheSame() {
    long[] positives = new long[Finding.COUNT];
    positives[0] = 20;
    positives[1] = 100;
    WeightedBinaryCrossEntropy loss = WeightedBinaryCrossEntropy.balanced(positives, 100);
    assertArrayEquals(
        new float[] {0.8f, 0.5f, 0.5f}, Arrays.copyOf(loss.positiveWeight(), 3), 1e-7f);
    assertArrayEquals(
        new float[] {0.2f, 0.5f, 0.5f}, Arrays.copyOf(loss.negativeWeight(), 3), 1e-7f);
  }

  @Test
  void balanced_morePositivesThanSamples_namesTheFinding() {
    long[] positives = new long[Finding.COUNT];
    positives[13] = 5;
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> WeightedBinaryCrossEntropy.balanced(positives, 4));
    assertTrue(String.valueOf(e.getMessage()).contains("Hernia has 5 positives"), e::getMessage);
  }

  @Test
  void softmaxCrossEntropy_equalOutputs_isLogOfFourteenPerLabel() {
    float[] labels = new float[Finding.COUNT];
    labels[0] = 1;
    labels[5] = 1;
    float[] gradient = new float[Finding.COUNT];
    double loss =
        new SoftmaxCrossEntropy().evaluate(new float[Finding.COUNT], 1, 1, labels, gradient);
    assertEquals(2 * Math.log(14), loss, 1e-12);
    assertEquals((2.0 / 14 - 1) / 4, gradient[0], 1e-7);
    assertEquals(2.0 / 14 / 4, gradient[1], 1e-7);
  }

  @Test
  void evaluate_tooFewLabels_isRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new SoftmaxCrossEntropy().evaluate(new float[28], 2, 1, new float[14], new float[28]));
  }
}
