package io.pulmo.export;

import io.pulmo.model.Finding;
import io.pulmo.model.bundle.SelfTest;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.weights.Weights;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.OpenVinoException;
import io.pulmo.openvino.OpenVinoNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A bundle's network in integers, for processors of either kind, with what it was seen to lose.
 *
 * @param full the ONNX file with weights of {@link WeightRange#FULL}; not copied
 * @param half with weights of {@link WeightRange#HALF}; not copied
 * @param crops with which it was calibrated
 * @param keptFloat the parts that are float32 in both
 * @param tolerance the greatest difference from float32 that a bundle's self-test may show
 */
public record IntegerModel(
    byte[] full, byte[] half, int crops, Set<String> keptFloat, float tolerance) {
  /** What rounding may always cost one probability of a study. */
  private static final float LEAST_TOLERANCE = 0.02f;

  /** Copies the set and checks the tolerance. */
  public IntegerModel {
    keptFloat = Set.copyOf(keptFloat);
    if (!(tolerance > 0 && tolerance < 1)) {
      throw new IllegalArgumentException(
          "tolerance is "
              + tolerance
              + ", expected a number between 0 and 1; calibrate with images like those to judge");
    }
  }

  /**
   * Quantizes, and answers the bundle's self-test in float32 and with half-range weights: twice
   * their difference, or 0.02 if that is more, is the tolerance.
   */
  public static IntegerModel of(
      Core core, Calibration calibration, Preprocessing preprocessing, Set<String> keepFloat)
      throws IOException {
    if (preprocessing.cropPixels() != calibration.cropPixels()) {
      throw new IllegalArgumentException(
          "calibrated with crops of "
              + calibration.cropPixels()
              + " pixels, expected "
              + preprocessing.cropPixels()
              + ", as the network was trained with");
    }
    Quantizer quantizer = new Quantizer(calibration);
    byte[] half = quantizer.onnx(WeightRange.HALF, keepFloat);
    List<float[]> crops = new ArrayList<>();
    float[] all = SelfTest.input(BundleExporter.SELF_TEST_SEED, preprocessing);
    for (int at = 0; at < all.length; at += preprocessing.cropSize()) {
      crops.add(Arrays.copyOfRange(all, at, at + preprocessing.cropSize()));
    }
    float[] float32 = study(core, calibration.float32(), calibration, crops);
    float[] integers = study(core, half, calibration, crops);
    float greatest = 0;
    for (int i = 0; i < float32.length; i++) {
      greatest = Math.max(greatest, Math.abs(float32[i] - integers[i]));
    }
    return new IntegerModel(
        quantizer.onnx(WeightRange.FULL, keepFloat),
        half,
        calibration.crops(),
        keepFloat,
        Math.max(LEAST_TOLERANCE, 2 * greatest));
  }

  /**
   * Calibrates and quantizes all parts of a network, by an OpenVINO of its own.
   *
   * @param crops each of 3 × side × side floats, normalized
   * @throws QuantizerUnavailableException if OpenVINO is not there or does not load
   */
  public static IntegerModel calibrated(
      Weights weights, Preprocessing preprocessing, Iterable<float[]> crops) throws IOException {
    try (Core core = core()) {
      Calibration calibration =
          Calibration.measure(
              core,
              FoldedNetwork.of(weights),
              preprocessing.cropPixels(),
              crops.iterator(),
              done -> {});
      return of(core, calibration, preprocessing, Set.of());
    }
  }

  private static Core core() {
    try {
      return Core.create();
    } catch (OpenVinoNotFoundException | OpenVinoException e) {
      throw new QuantizerUnavailableException(String.valueOf(e.getMessage()), e);
    }
  }

  /** The kept parts in one line, of at most so many characters. */
  String keptFloat(int mostCharacters) {
    String line = keptFloat.isEmpty() ? "none" : String.join(" ", new TreeSet<>(keptFloat));
    return line.length() <= mostCharacters ? line : keptFloat.size() + " parts";
  }

  private static float[] study(Core core, byte[] onnx, Calibration calibration, List<float[]> crops)
      throws IOException {
    float[] all = Sensitivity.probabilities(core, onnx, calibration, crops);
    float[] mean = new float[Finding.COUNT];
    for (int i = 0; i < all.length; i++) {
      mean[i % mean.length] += all[i] / crops.size();
    }
    return mean;
  }
}
