package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ImagePipelineTest {
  /** Crops of one pixel out of images at least three high: each crop tells where it came from. */
  private final ImagePipeline dots =
      new ImagePipeline(
          new Preprocessing(3, 1, List.of(0f, 0f, 0.5f), List.of(1 / 255f, 1f, 0.25f)));

  @Test
  void tenCrops_ofNumberedPixels_comeInTorchvisionsOrder() {
    // 4 × 3 pixels numbered by row. The middle is at row 1 and, a half going to even, column 2.
    Pixels image = numbered(4, 3);
    float[] crops = new float[30 + 1];
    dots.tenCrops(image, crops, 1);
    int[] expected = {0, 3, 8, 11, 6, 3, 0, 11, 8, 5};
    for (int i = 0; i < 10; i++) {
      assertEquals(expected[i], crops[1 + 3 * i], 1e-4, "crop " + i);
    }
  }

  /** Wide, tall and square images, crops that overlap and crops that leave rows between them. */
  @Property(tries = 200)
  void tenCrops_ofAnyImage_areTheCropsOneByOne(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int resize = 1 + random.nextInt(20);
    int crop = 1 + random.nextInt(resize);
    int longer = resize + random.nextInt(60);
    boolean wide = random.nextBoolean();
    int width = wide ? longer : resize;
    int height = wide ? resize : longer;
    int channels = random.nextBoolean() ? 1 : 3;
    byte[] values = new byte[width * height * channels];
    random.nextBytes(values);
    ImagePipeline pipeline = new ImagePipeline(Preprocessing.imageNet(resize, crop));
    int size = 3 * crop * crop;
    float[] crops = new float[10 * size];
    pipeline.tenCrops(new Pixels(width, height, channels, values), crops, 0);
    int[] tops = {0, 0, height - crop, height - crop, (int) Math.rint((height - crop) / 2.0)};
    int[] lefts = {0, width - crop, 0, width - crop, (int) Math.rint((width - crop) / 2.0)};
    List<Float> mean = pipeline.preprocessing().mean();
    List<Float> deviation = pipeline.preprocessing().deviation();
    int at = 0;
    for (int i = 0; i < 10; i++) {
      for (int channel = 0; channel < 3; channel++) {
        for (int y = 0; y < crop; y++) {
          for (int x = 0; x < crop; x++) {
            int column = lefts[i % 5] + x;
            int place = (tops[i % 5] + y) * width + (i < 5 ? column : width - 1 - column);
            int value = values[place * channels + (channels == 1 ? 0 : channel)] & 0xFF;
            float expected = (value / 255f - mean.get(channel)) / deviation.get(channel);
            assertEquals(expected, crops[at++], "crop " + i + ", seed " + seed);
          }
        }
      }
    }
  }

  @Test
  void centreCrop_ofGrey_normalizesEachChannel() {
    float[] crop = new float[3];
    dots.centreCrop(new Pixels(3, 3, 1, new byte[] {0, 0, 0, 0, 51, 0, 0, 0, 0}), crop, 0);
    assertArrayEquals(new float[] {51, 0.2f, (0.2f - 0.5f) / 0.25f}, crop, 1e-5f);
  }

  @Test
  void centreCrop_ofColour_givesPlanes() {
    ImagePipeline plain =
        new ImagePipeline(
            new Preprocessing(1, 1, List.of(0f, 0f, 0f), List.of(1 / 255f, 1 / 255f, 1 / 255f)));
    float[] crop = new float[3];
    plain.centreCrop(new Pixels(1, 1, 3, new byte[] {1, 2, (byte) 200}), crop, 0);
    assertArrayEquals(new float[] {1, 2, 200}, crop, 1e-4f);
  }

  @Test
  void randomCrop_manyTimes_reachesEveryPlaceBothWays() {
    ImagePipeline pairs =
        new ImagePipeline(new Preprocessing(3, 2, List.of(0f, 0f, 0f), List.of(1 / 255f, 1f, 1f)));
    SplittableRandom random = new SplittableRandom(3);
    Set<String> seen = new HashSet<>();
    float[] crop = new float[12];
    for (int i = 0; i < 500; i++) {
      pairs.randomCrop(numbered(4, 3), random, crop, 0);
      seen.add(Math.round(crop[0]) + " " + Math.round(crop[1]));
    }
    assertEquals(
        Set.of("0 1", "1 2", "2 3", "4 5", "5 6", "6 7", "1 0", "2 1", "3 2", "5 4", "6 5", "7 6"),
        seen);
  }

  @Test
  void crops_ofTooSmallAnImageOrRoom_areRefused() {
    ImagePipeline pipeline = new ImagePipeline(Preprocessing.imageNet(8, 4));
    String small =
        String.valueOf(
            assertThrows(
                    IllegalArgumentException.class,
                    () -> pipeline.centreCrop(numbered(4, 3), new float[48], 0))
                .getMessage());
    assertTrue(small.contains("4 × 3") && small.contains("4 × 4"), small);
    assertThrows(
        IllegalArgumentException.class, () -> pipeline.tenCrops(numbered(8, 8), new float[480], 1));
  }

  private static Pixels numbered(int width, int height) {
    byte[] values = new byte[width * height];
    for (int i = 0; i < values.length; i++) {
      values[i] = (byte) i;
    }
    return new Pixels(width, height, 1, values);
  }
}
