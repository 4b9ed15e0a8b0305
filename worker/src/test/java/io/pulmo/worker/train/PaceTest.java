package io.pulmo.worker.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.worker.train.Pace.Means;
import org.junit.jupiter.api.Test;

class PaceTest {
  private static final double CLOSE = 1e-9;

  private static Means step(double compute) {
    return new Means(compute, 1, 2, 3, 4);
  }

  @Test
  void means_afterTheFirstStep_areThatStep() {
    Pace pace = new Pace();
    assertEquals(0, pace.samplesPerSecond(), CLOSE);
    pace.step(step(94), 12);
    assertEquals(step(94), pace.means());
    assertEquals(120, pace.samplesPerSecond(), CLOSE);
  }

  @Test
  void means_ofShortSteps_takeSomeTwentyToFollow() {
    Pace pace = new Pace();
    pace.step(step(10), 12);
    pace.step(step(20), 12);
    assertEquals(11, pace.means().compute(), CLOSE);
    for (int i = 0; i < 20; i++) {
      pace.step(step(20), 12);
    }
    assertEquals(20, pace.means().compute(), 1.2);
    assertTrue(pace.means().compute() < 19.5, pace.means().toString());
  }

  @Test
  void means_ofStepsOfSeconds_followWithTheNext() {
    Pace pace = new Pace();
    pace.step(step(2_000), 12);
    pace.step(step(8_000), 12);
    assertEquals(8_000, pace.means().compute(), 150);
  }
}
