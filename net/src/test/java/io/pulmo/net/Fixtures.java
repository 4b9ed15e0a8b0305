package io.pulmo.net;

import io.pulmo.model.Finding;
import io.pulmo.model.network.DenseNetSpec;
import java.util.List;
import java.util.SplittableRandom;

/** What the tests of this room share. */
final class Fixtures {
  /** A network of two blocks that runs in milliseconds. */
  static final DenseNetSpec TINY = new DenseNetSpec(4, 4, 2, List.of(2, 2));

  /** The side of its crops. */
  static final int SIDE = 32;

  private Fixtures() {}

  /** Crops of normal noise. */
  static float[] crops(SplittableRandom random, int count) {
    return normal(random, count * 3 * SIDE * SIDE);
  }

  /** Normal numbers. */
  static float[] normal(SplittableRandom random, int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Labels of which a third are 1. */
  static float[] labels(SplittableRandom random, int samples) {
    float[] labels = new float[samples * Finding.COUNT];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = random.nextInt(3) == 0 ? 1 : 0;
    }
    return labels;
  }
}
