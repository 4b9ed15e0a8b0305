package io.pulmo.export;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** Calibrations that nobody measured. */
final class Calibrations {
  private Calibrations() {}

  /** Statistics that agree with each other, and with no image. */
  static Calibration random(FoldedNetwork network, int cropPixels, long seed) {
    Random random = new Random(seed);
    Map<String, ChannelStatistics> values = new HashMap<>();
    Calibration.measured(network, cropPixels)
        .forEach(
            (value, shape) -> {
              double[][] all = new double[4][shape.channels()];
              for (int c = 0; c < shape.channels(); c++) {
                double width = 0.1 + 5 * random.nextDouble();
                all[0][c] = value.endsWith("relu") ? 0 : -width * random.nextDouble();
                all[1][c] = all[0][c] + width;
                all[2][c] = all[0][c] + width * 0.4;
                all[3][c] = all[2][c] * all[2][c] + width * width / 20;
              }
              values.put(
                  value, new ChannelStatistics(shape.sidePixels(), all[0], all[1], all[2], all[3]));
            });
    return new Calibration(network, cropPixels, 1, values);
  }
}
