package io.pulmo.bench;

import io.pulmo.export.BundleExporter;
import io.pulmo.export.Calibration;
import io.pulmo.export.FoldedNetwork;
import io.pulmo.export.IntegerModel;
import io.pulmo.model.Finding;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.net.WeightedBinaryCrossEntropy;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.OpenVinoNotFoundException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A bundle of a network that has learned nothing, to measure with. */
final class RandomBundle {
  private static final long SEED = 1;
  private static final int BATCH = 8;

  /** Every so many-th crop calibrates. */
  private static final int CALIBRATE_EACH = 3;

  private RandomBundle() {}

  /**
   * Makes one.
   *
   * @param studies [10, 3, side, side] each, of images; they also calibrate int8, whose speed does
   *     not depend on how many there are
   */
  static Bundle make(Path folder, Preset preset, List<float[]> studies, int threads)
      throws IOException {
    Preprocessing preprocessing = preset.preprocessing();
    try (DenseNet network = DenseNet.create(preset.network(), threads)) {
      Weights weights = weights(preset, network, studies.getFirst());
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
                          study, 1, Preprocessing.CROPS, preprocessing.cropPixels()),
                  integers(weights, preprocessing, studies)));
    }
  }

  /** The network in integers; empty without OpenVINO, which calibrates it. */
  private static Optional<IntegerModel> integers(
      Weights weights, Preprocessing preprocessing, List<float[]> studies) throws IOException {
    List<float[]> crops = new ArrayList<>();
    for (float[] study : studies) {
      for (int at = 0; at < study.length; at += CALIBRATE_EACH * preprocessing.cropSize()) {
        crops.add(Arrays.copyOfRange(study, at, at + preprocessing.cropSize()));
      }
    }
    try (Core core = Core.create()) {
      Calibration calibration =
          Calibration.measure(
              core,
              FoldedNetwork.of(weights),
              preprocessing.cropPixels(),
              crops.iterator(),
              done -> {});
      return Optional.of(IntegerModel.of(core, calibration, preprocessing, Set.of()));
    } catch (OpenVinoNotFoundException missing) {
      return Optional.empty();
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
