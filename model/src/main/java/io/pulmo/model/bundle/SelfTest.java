package io.pulmo.model.bundle;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pulmo.model.Finding;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Pixels;
import io.pulmo.model.image.Preprocessing;
import java.util.List;
import java.util.Optional;

/**
 * A vector that a served model must reproduce before it is trusted: {@code selftest.json}.
 *
 * <p>The input is not stored but drawn: {@link #grey} gives the pixels of a square image, whose
 * sides are the network's resize, and its ten crops are the input. The expected values come from
 * the network that was exported.
 *
 * @param seed of the image
 * @param probabilities expected of the study, fourteen in the order of {@link Finding}
 * @param tolerance greatest difference that float32 arithmetic in another order may make
 */
public record SelfTest(long seed, List<Float> probabilities, float tolerance) {
  private static final int CELL_PIXELS = 16;
  private static final long MULTIPLIER = 6364136223846793005L;
  private static final long INCREMENT = 1442695040888963407L;

  /** Checks count and ranges. */
  public SelfTest {
    probabilities = List.copyOf(probabilities);
    if (probabilities.size() != Finding.COUNT) {
      throw new IllegalArgumentException(
          "probabilities has " + probabilities.size() + " values, expected " + Finding.COUNT);
    }
    for (float probability : probabilities) {
      if (!(probability >= 0 && probability <= 1)) {
        throw new IllegalArgumentException(
            "probabilities has " + probability + ", expected numbers from 0 to 1");
      }
    }
    if (!(tolerance > 0 && tolerance < 1)) {
      throw new IllegalArgumentException(
          "tolerance is " + tolerance + ", expected a number between 0 and 1");
    }
  }

  /**
   * The ten crops of the image that this test is of, of shape 10, 3, side, side.
   *
   * @param preprocessing the bundle's
   */
  public float[] input(Preprocessing preprocessing) {
    return input(seed, preprocessing);
  }

  /** The ten crops of the image that a seed draws, of shape 10, 3, side, side. */
  public static float[] input(long seed, Preprocessing preprocessing) {
    int side = preprocessing.resizePixels();
    float[] all = new float[Preprocessing.CROPS * preprocessing.cropSize()];
    new ImagePipeline(preprocessing).tenCrops(new Pixels(side, side, 1, grey(seed, side)), all, 0);
    return all;
  }

  /**
   * The grey pixels of the image, row by row: 32 + ⌊cell / 2⌋ + ⌊grain / 4⌋.
   *
   * <p>Each square of 16 × 16 pixels has one cell value and each pixel a grain of its own: the
   * patches keep the network out of saturation, where every answer would be 0 or 1. All cells row
   * by row, then all grains row by row, are the top bytes of the successive states of the generator
   * state ← state × 6364136223846793005 + 1442695040888963407 modulo 2⁶⁴ (Knuth's MMIX), which
   * starts at the seed and steps before each.
   */
  static byte[] grey(long seed, int sidePixels) {
    int cellsInRow = (sidePixels + CELL_PIXELS - 1) / CELL_PIXELS;
    int[] drawn = new int[cellsInRow * cellsInRow + sidePixels * sidePixels];
    long state = seed;
    for (int i = 0; i < drawn.length; i++) {
      state = state * MULTIPLIER + INCREMENT;
      drawn[i] = (int) (state >>> 56);
    }
    byte[] pixels = new byte[sidePixels * sidePixels];
    for (int i = 0; i < pixels.length; i++) {
      int row = i / sidePixels / CELL_PIXELS;
      int column = i % sidePixels / CELL_PIXELS;
      int grain = drawn[cellsInRow * cellsInRow + i];
      pixels[i] = (byte) (32 + drawn[row * cellsInRow + column] / 2 + grain / 4);
    }
    return pixels;
  }

  /** What is wrong with an answer: nothing, or the finding that is furthest off. */
  public Optional<String> mismatch(float[] answer) {
    return mismatch(answer, tolerance);
  }

  /**
   * As above, for whom allows less or more.
   *
   * @param within the greatest difference that is none
   */
  public Optional<String> mismatch(float[] answer, float within) {
    if (answer.length != probabilities.size()) {
      return Optional.of(
          "the self-test gave " + answer.length + " values, expected " + probabilities.size());
    }
    int worst = 0;
    float greatest = -1;
    for (int i = 0; i < answer.length; i++) {
      float difference = Math.abs(answer[i] - probabilities.get(i));
      if (Float.isNaN(difference) || difference > greatest) {
        worst = i;
        greatest = Float.isNaN(difference) ? Float.POSITIVE_INFINITY : difference;
      }
    }
    if (greatest <= within) {
      return Optional.empty();
    }
    return Optional.of(
        "the self-test gave %s for %s, expected %s within %s"
            .formatted(
                answer[worst], Finding.ALL.get(worst).label(), probabilities.get(worst), within));
  }

  /**
   * Reads a self-test strictly.
   *
   * @param file its name, for messages
   * @throws BundleException with key, value and what was expected
   */
  public static SelfTest parse(String file, byte[] json) throws BundleException {
    StrictObject top = StrictObject.parse(file, json);
    try {
      SelfTest test =
          new SelfTest(
              top.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
              top.numbers("probabilities"),
              top.number("tolerance"));
      top.end();
      return test;
    } catch (IllegalArgumentException e) {
      throw top.refused(e);
    }
  }

  /** The bytes of the file. */
  public byte[] json() {
    ObjectNode top = StrictObject.JSON.createObjectNode();
    top.put("seed", seed);
    probabilities.forEach(top.putArray("probabilities")::add);
    top.put("tolerance", tolerance);
    return StrictObject.write(top);
  }
}
