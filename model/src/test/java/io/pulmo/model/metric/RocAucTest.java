package io.pulmo.model.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class RocAucTest {
  /** Scores and labels of one length. */
  record Sample(float[] scores, boolean[] positive) {}

  @Provide
  Arbitrary<Sample> samples() {
    Arbitrary<Float> any = Arbitraries.floats();
    // Few values, so that ties are common, with both zeros and the ends of the range.
    Arbitrary<Float> few =
        Arbitraries.of(
            0f, -0f, 1f, -1f, 0.5f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NEGATIVE_INFINITY);
    return Arbitraries.integers()
        .between(0, 60)
        .flatMap(
            n ->
                Combinators.combine(
                        Arbitraries.oneOf(any, few).array(Float[].class).ofSize(n),
                        Arbitraries.of(true, false).array(Boolean[].class).ofSize(n))
                    .as(RocAucTest::sample));
  }

  private static Sample sample(Float[] scores, Boolean[] positive) {
    Sample sample = new Sample(new float[scores.length], new boolean[scores.length]);
    for (int i = 0; i < scores.length; i++) {
      sample.scores()[i] = scores[i];
      sample.positive()[i] = positive[i];
    }
    return sample;
  }

  @Property
  void of_anySample_equalsThePairwiseDefinition(@ForAll("samples") Sample sample) {
    assertEquals(pairwise(sample), RocAuc.of(sample.scores(), sample.positive()), 0);
  }

  @Property
  void of_swappedLabels_isTheComplement(@ForAll("samples") Sample sample) {
    boolean[] swapped = new boolean[sample.positive().length];
    for (int i = 0; i < swapped.length; i++) {
      swapped[i] = !sample.positive()[i];
    }
    assertEquals(
        1 - RocAuc.of(sample.scores(), sample.positive()),
        RocAuc.of(sample.scores(), swapped),
        1e-12);
  }

  private static double pairwise(Sample sample) {
    double right = 0;
    long pairs = 0;
    for (int i = 0; i < sample.scores().length; i++) {
      for (int j = 0; j < sample.scores().length; j++) {
        if (sample.positive()[i] && !sample.positive()[j]) {
          float above = sample.scores()[i];
          float below = sample.scores()[j];
          right += above > below ? 1 : above == below ? 0.5 : 0;
          pairs++;
        }
      }
    }
    return right / pairs;
  }

  @Test
  void of_knownSample_isThreeQuarters() {
    assertEquals(
        0.75,
        RocAuc.of(new float[] {0.1f, 0.4f, 0.35f, 0.8f}, new boolean[] {false, false, true, true}));
  }

  @Test
  void of_oneClass_isNaN() {
    assertEquals(Double.NaN, RocAuc.of(new float[] {1, 2}, new boolean[] {true, true}));
    assertEquals(Double.NaN, RocAuc.of(new float[] {1, 2}, new boolean[] {false, false}));
    assertEquals(Double.NaN, RocAuc.of(new float[0], new boolean[0]));
  }

  @Test
  void of_notANumber_isRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> RocAuc.of(new float[] {1, Float.NaN}, new boolean[] {true, false}));
  }
}
