package io.pulmo.serving;

import io.pulmo.export.BundleExporter;
import io.pulmo.model.Finding;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.BundleWriter;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.bundle.SelfTest;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.net.WeightedBinaryCrossEntropy;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.OpenVinoNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Assumptions;

/** Real bundles of random weights. */
public final class TestModels {
  private static final int THREADS = Runtime.getRuntime().availableProcessors();
  private static final int BATCH = 8;

  private TestModels() {}

  /** Skips the test, visibly, where OpenVINO is not installed. */
  public static void assumeOpenVino() {
    try {
      Core.create().close();
    } catch (OpenVinoNotFoundException e) {
      Assumptions.abort("skipped: " + e.getMessage());
    }
  }

  /** A bundle named chest, whose self-test expects what the network gives. */
  public static Bundle bundle(Path folder, Preset preset, long seed) throws IOException {
    return bundle(folder, preset, seed, probabilities -> probabilities);
  }

  /** A bundle whose self-test expects something made of what the network gives. */
  public static Bundle bundle(Path folder, Preset preset, long seed, UnaryOperator<float[]> twist)
      throws IOException {
    Weights weights = weights(preset, seed);
    Preprocessing preprocessing = preset.preprocessing();
    try (DenseNet network = DenseNet.create(weights.spec(), THREADS)) {
      network.load(weights);
      return new BundleExporter(Clock.systemUTC())
          .export(
              folder,
              new BundleExporter.Request(
                  "chest",
                  1,
                  weights,
                  preprocessing,
                  Map.of(),
                  crops ->
                      twist.apply(
                          network.studyProbabilities(
                              crops, 1, Preprocessing.CROPS, preprocessing.cropPixels()))));
    }
  }

  /**
   * A copy of a bundle with two files of weights for int8, which here are the network itself: what
   * is chosen can be told, and its answers are right.
   *
   * @param tolerance of the self-test for int8
   */
  public static Bundle withInt8(Bundle bundle, Path folder, float tolerance) throws IOException {
    Manifest manifest = bundle.manifest();
    try (BundleWriter writer = BundleWriter.create(folder)) {
      List<FileEntry> files = new ArrayList<>();
      for (FileEntry entry : manifest.files()) {
        files.add(writer.add(entry.path(), Files.readAllBytes(bundle.file(entry.path()))));
      }
      byte[] onnx = Files.readAllBytes(bundle.file(Bundle.ONNX));
      files.add(writer.add(Bundle.INT8_FULL, onnx));
      files.add(writer.add(Bundle.INT8_HALF, onnx));
      SelfTest exact = bundle.selfTest();
      files.add(
          writer.add(
              Bundle.INT8_SELF_TEST,
              new SelfTest(exact.seed(), exact.probabilities(), tolerance).json()));
      writer.add(
          Bundle.MANIFEST,
          new Manifest(
                  manifest.format(),
                  manifest.name(),
                  manifest.version(),
                  manifest.createdAt(),
                  manifest.network(),
                  manifest.preprocessing(),
                  manifest.labels(),
                  files,
                  manifest.provenance())
              .json());
      return writer.commit();
    }
  }

  /**
   * Random weights with the statistics of a batch of such images, so that activations keep their
   * size through the layers and the probabilities are neither 0 nor 1.
   */
  private static Weights weights(Preset preset, long seed) {
    Weights random = Initialization.random(preset.network(), seed);
    float[] statistics = random.statistics();
    try (DenseNet network = DenseNet.create(preset.network(), THREADS)) {
      network.load(random);
      int side = preset.preprocessing().cropPixels();
      network.backward(
          batch(preset.preprocessing()),
          BATCH,
          1,
          side,
          new float[BATCH * Finding.COUNT],
          new WeightedBinaryCrossEntropy(ones(), ones()),
          new float[preset.network().learnedSize()],
          statistics);
    }
    return Weights.ofFlat(preset.network(), random.learned(), statistics);
  }

  private static float[] batch(Preprocessing preprocessing) {
    ImagePipeline pipeline = new ImagePipeline(preprocessing);
    float[] crops = new float[BATCH * preprocessing.cropSize()];
    for (int i = 0; i < BATCH; i++) {
      try {
        pipeline.centreCrop(
            pipeline.resized(TestImages.png(1000 + i)), crops, i * preprocessing.cropSize());
      } catch (UnreadableImageException e) {
        throw new AssertionError(e);
      }
    }
    return crops;
  }

  private static float[] ones() {
    float[] ones = new float[Finding.COUNT];
    Arrays.fill(ones, 1);
    return ones;
  }
}
