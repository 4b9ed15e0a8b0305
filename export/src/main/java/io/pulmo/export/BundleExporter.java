package io.pulmo.export;

import io.pulmo.model.Finding;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.BundleWriter;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.bundle.SelfTest;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes bundles of weights: the ONNX model, the weights themselves and a self-test whose expected
 * values come from another implementation of the network than the one that will be served.
 */
public final class BundleExporter {
  /** Of the image that every bundle is tested with. */
  static final long SELF_TEST_SEED = 1;

  /** The greatest difference between two engines in float32 that a bundle may show. */
  private static final float SELF_TEST_TOLERANCE = 1e-4f;

  /** Characters of a list in the manifest's provenance. */
  private static final int LONGEST_LIST = 4000;

  private final Clock clock;

  /** An exporter that dates its bundles by this clock. */
  public BundleExporter(Clock clock) {
    this.clock = clock;
  }

  /** The network with the weights of the request, in an engine that is trusted. */
  @FunctionalInterface
  public interface ReferenceForward {
    /**
     * The probabilities of one study: the mean over its crops.
     *
     * @param tenCrops of shape 10, 3, side, side, normalized
     * @return fourteen values
     */
    float[] studyProbabilities(float[] tenCrops);
  }

  /**
   * What to make a bundle of.
   *
   * @param name of the model: lower-case letters, digits and dashes
   * @param version of the model, at least 1
   * @param weights the trained network
   * @param preprocessing by which it was trained
   * @param provenance where the weights come from, free text by key
   * @param reference computes the self-test's expected values
   * @param integers the network in integers, made of these weights; empty where there were no
   *     images to calibrate it with, and the bundle then has none
   * @param ledger who computed which steps of the training, as JSON; empty for other weights
   */
  public record Request(
      String name,
      long version,
      Weights weights,
      Preprocessing preprocessing,
      Map<String, String> provenance,
      ReferenceForward reference,
      Optional<IntegerModel> integers,
      Optional<byte[]> ledger) {
    /** A request for a bundle of weights of which no training is known. */
    public Request(
        String name,
        long version,
        Weights weights,
        Preprocessing preprocessing,
        Map<String, String> provenance,
        ReferenceForward reference,
        Optional<IntegerModel> integers) {
      this(
          name, version, weights, preprocessing, provenance, reference, integers, Optional.empty());
    }

    /** A request for a bundle that computes in float32 only. */
    public Request(
        String name,
        long version,
        Weights weights,
        Preprocessing preprocessing,
        Map<String, String> provenance,
        ReferenceForward reference) {
      this(name, version, weights, preprocessing, provenance, reference, Optional.empty());
    }
  }

  /**
   * Writes a bundle, whole or not at all.
   *
   * @param out its folder, which must not exist
   * @throws io.pulmo.model.bundle.BundleException if it exists
   * @throws IllegalArgumentException if the request has a value that a manifest may not hold, or
   *     the reference gives something else than fourteen probabilities
   */
  public Bundle export(Path out, Request request) throws IOException {
    Weights weights = request.weights();
    try (BundleWriter writer = BundleWriter.create(out)) {
      byte[] onnx = OnnxGraph.of(weights, request.preprocessing().cropPixels());
      SelfTest selfTest = selfTest(request);
      List<FileEntry> files = new ArrayList<>();
      files.add(writer.add(Bundle.ONNX, onnx));
      files.add(writer.add(Bundle.WEIGHTS, file -> WeightsFile.write(file, weights)));
      files.add(writer.add(Bundle.SELF_TEST, selfTest.json()));
      if (request.ledger().isPresent()) {
        files.add(writer.add(Bundle.LEDGER, request.ledger().get()));
      }
      Map<String, String> provenance = new LinkedHashMap<>(request.provenance());
      if (request.integers().isPresent()) {
        IntegerModel integers = request.integers().get();
        files.add(writer.add(Bundle.INT8_FULL, integers.full()));
        files.add(writer.add(Bundle.INT8_HALF, integers.half()));
        files.add(
            writer.add(
                Bundle.INT8_SELF_TEST,
                new SelfTest(selfTest.seed(), selfTest.probabilities(), integers.tolerance())
                    .json()));
        provenance.put("int8 calibration crops", Integer.toString(integers.crops()));
        provenance.put("int8 kept float32", integers.keptFloat(LONGEST_LIST));
      }
      Manifest manifest =
          new Manifest(
              Manifest.FORMAT,
              request.name(),
              request.version(),
              clock.instant().truncatedTo(ChronoUnit.SECONDS).toString(),
              weights.spec(),
              request.preprocessing(),
              Manifest.LABELS,
              files,
              provenance);
      writer.add(Bundle.MANIFEST, manifest.json());
      return writer.commit();
    }
  }

  private static SelfTest selfTest(Request request) {
    float[] crops = SelfTest.input(SELF_TEST_SEED, request.preprocessing());
    float[] expected = request.reference().studyProbabilities(crops);
    if (expected.length != Finding.COUNT) {
      throw new IllegalArgumentException(
          "the reference gave " + expected.length + " values, expected " + Finding.COUNT);
    }
    List<Float> probabilities = new ArrayList<>();
    for (float value : expected) {
      probabilities.add(value);
    }
    return new SelfTest(SELF_TEST_SEED, probabilities, SELF_TEST_TOLERANCE);
  }
}
