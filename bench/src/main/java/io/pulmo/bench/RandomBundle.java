package io.pulmo.bench;

import io.pulmo.export.BundleExporter;
import io.pulmo.model.Finding;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.net.WeightedBinaryCrossEntropy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.Map;

/** A bundle of a network that has learned nothing, to measure with. */
final class RandomBundle {
  private static final long SEED = 1;
  private static final int BATCH = 8;

  private RandomBundle() {}

  /**
   * Makes one.
   *
   * @param crops [n, 3, side, side] of images, at least 8
   */
  static Bundle make(Path folder, Preset preset, float[] crops, int threads) throws IOException {
    Preprocessing preprocessing = preset.preprocessing();
    try (DenseNet network = DenseNet.create(preset.network(), threads)) {
      Weights weights = weights(preset, network, crops);
      network.load(weights);
      return new BundleExporter(Clock.systemUTC())
          .export(
              folder,
              new BundleExporter.Request(
                  "random-" + preset.label(),
                  1,
                  weights,
                  preprocessing,
                  Map.of(),
                  study ->
                      network.studyProbabilities(
                          study, 1, Preprocessing.CROPS, preprocessing.cropPixels())));
    }
  }

  /**
   * Random weights with the statistics of a batch of such images: with others, activations would
   * vanish or explode through the layers, and so small or large numbers take longer.
   */
  private static Weights weights(Preset preset, DenseNet network, float[] crops) {
    Weights random = Initialization.random(preset.network(), SEED);
    float[] statistics = random.statistics();
    network.load(random);
    network.backward(
        Arrays.copyOf(crops, BATCH * preset.preprocessing().cropSize()),
        BATCH,
        1,
        preset.preprocessing().cropPixels(),
        new float[BATCH * Finding.COUNT],
        new WeightedBinaryCrossEntropy(ones(), ones()),
        new float[preset.network().learnedSize()],
        statistics);
    return Weights.ofFlat(preset.network(), random.learned(), statistics);
  }

  private static float[] ones() {
    float[] ones = new float[Finding.COUNT];
    Arrays.fill(ones, 1);
    return ones;
  }
}
