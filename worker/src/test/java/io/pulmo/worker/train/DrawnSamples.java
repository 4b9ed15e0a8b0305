package io.pulmo.worker.train;

import io.pulmo.model.Finding;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.LabelListException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.random.RandomGenerator;

/** Samples drawn by chance, whose findings show in their pixels. */
final class DrawnSamples implements Samples {
  private final int size;
  private final int side;
  private final long seed;

  DrawnSamples(int size, int side, long seed) {
    this.size = size;
    this.side = side;
    this.seed = seed;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public int cropsPerSample() {
    return 1;
  }

  @Override
  public int sidePixels() {
    return side;
  }

  @Override
  public void labels(int sample, float[] into, int offset) {
    Random random = new Random(seed + sample);
    for (int f = 0; f < Finding.COUNT; f++) {
      into[offset + f] = random.nextInt(3) == 0 ? 1 : 0;
    }
  }

  @Override
  public void crops(int sample, RandomGenerator augmentation, float[] into, int offset) {
    float[] labels = new float[Finding.COUNT];
    labels(sample, labels, 0);
    Random random = new Random(~(seed + sample));
    for (int i = 0; i < cropsSize(); i++) {
      into[offset + i] =
          (float) (0.3 * random.nextGaussian() + 0.01 * augmentation.nextDouble())
              + labels[i % Finding.COUNT];
    }
  }

  LabelList list() {
    StringBuilder lines = new StringBuilder();
    float[] labels = new float[Finding.COUNT];
    for (int i = 0; i < size; i++) {
      labels(i, labels, 0);
      lines.append(i).append(".png");
      for (float label : labels) {
        lines.append(' ').append((int) label);
      }
      lines.append('\n');
    }
    try {
      return LabelList.parse(
          "drawn", new ByteArrayInputStream(lines.toString().getBytes(StandardCharsets.UTF_8)));
    } catch (IOException | LabelListException e) {
      throw new AssertionError(e);
    }
  }
}
