package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Arrays;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ResizeTest {
  @Test
  void to_halfTheWidth_weighsNeighboursByTriangle() {
    // Output 0 has its centre at 1.0 and reaches to 3.0: distances 0.5, 0.5, 1.5 of 2 weigh 3, 3,
    // 1.
    // Output 1, at 3.0, sees pixels 1 to 3 with 1, 3, 3.
    Pixels image = new Pixels(4, 1, 1, new byte[] {0, 70, (byte) 140, (byte) 210});
    assertArrayEquals(
        new byte[] {(byte) ((3 * 70 + 140) / 7), (byte) ((70 + 3 * 140 + 3 * 210) / 7)},
        Resize.to(image, 2, 1).values());
  }

  @Test
  void to_twiceTheHeight_interpolates() {
    // Centres at -0.25 + 0.5 i: weights 1, then 3/4 and 1/4.
    Pixels image = new Pixels(1, 2, 1, new byte[] {0, 100});
    assertArrayEquals(new byte[] {0, 25, 75, 100}, Resize.to(image, 1, 4).values());
  }

  @Test
  void to_colour_keepsChannelsApart() {
    Pixels image = new Pixels(2, 1, 3, new byte[] {10, 20, 30, 30, 40, 50});
    assertArrayEquals(new byte[] {20, 30, 40}, Resize.to(image, 1, 1).values());
  }

  @Test
  void to_constantImage_staysConstant() {
    byte[] values = new byte[37 * 41];
    Arrays.fill(values, (byte) 255);
    for (byte value : Resize.to(new Pixels(37, 41, 1, values), 10, 90).values()) {
      assertEquals((byte) 255, value);
    }
  }

  /** Sizes that are multiples of eight and others, from less than eight up. */
  @Property(tries = 500)
  void to_anySize_isTheWeightedMeanPixelByPixel(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int channels = random.nextBoolean() ? 1 : 3;
    int width = 1 + random.nextInt(150);
    int height = 1 + random.nextInt(150);
    byte[] values = new byte[width * height * channels];
    random.nextBytes(values);
    if (random.nextInt(4) == 0) {
      Arrays.fill(values, (byte) 255); // The largest sums.
    }
    int newWidth = 1 + random.nextInt(150);
    int newHeight = 1 + random.nextInt(150);
    Pixels image = new Pixels(width, height, channels, values);
    boolean columnsFirst = height > newHeight && height - newHeight > 2 * (width - newWidth);
    Pixels expected =
        columnsFirst
            ? rows(columns(image, newHeight), newWidth)
            : columns(rows(image, newWidth), newHeight);
    assertArrayEquals(
        expected.values(), Resize.to(image, newWidth, newHeight).values(), "seed " + seed);
  }

  private static Pixels rows(Pixels image, int width) {
    int channels = image.channels();
    byte[] to = new byte[width * image.height() * channels];
    for (int y = 0; y < image.height(); y++) {
      for (int c = 0; c < channels; c++) {
        int[] line = new int[image.width()];
        for (int x = 0; x < line.length; x++) {
          line[x] = image.values()[(y * line.length + x) * channels + c] & 0xFF;
        }
        int[] resized = resized(line, width);
        for (int x = 0; x < width; x++) {
          to[(y * width + x) * channels + c] = (byte) resized[x];
        }
      }
    }
    return new Pixels(width, image.height(), channels, to);
  }

  private static Pixels columns(Pixels image, int height) {
    int samples = image.width() * image.channels();
    byte[] to = new byte[samples * height];
    for (int i = 0; i < samples; i++) {
      int[] line = new int[image.height()];
      for (int y = 0; y < line.length; y++) {
        line[y] = image.values()[y * samples + i] & 0xFF;
      }
      int[] resized = resized(line, height);
      for (int y = 0; y < height; y++) {
        to[y * samples + i] = (byte) resized[y];
      }
    }
    return new Pixels(image.width(), height, image.channels(), to);
  }

  /** One line by Pillow's rule, written without regard to speed. */
  private static int[] resized(int[] line, int size) {
    if (line.length == size) {
      return line;
    }
    double scale = (double) line.length / size;
    double support = Math.max(1, scale);
    int[] resized = new int[size];
    for (int i = 0; i < size; i++) {
      double centre = (i + 0.5) * scale;
      int from = Math.max(0, (int) (centre - support + 0.5));
      int to = Math.min(line.length, (int) (centre + support + 0.5));
      double total = 0;
      for (int j = from; j < to; j++) {
        total += triangle((j - centre + 0.5) * (1 / support));
      }
      long sum = 1 << 21;
      for (int j = from; j < to; j++) {
        double share = triangle((j - centre + 0.5) * (1 / support)) / total;
        sum += (long) line[j] * (int) (0.5 + share * (1 << 22));
      }
      resized[i] = (int) Math.max(0, Math.min(255, sum >> 22));
    }
    return resized;
  }

  private static double triangle(double x) {
    return Math.max(0, 1 - Math.abs(x));
  }

  @Test
  void shorterSide_ofEitherShape_roundsTheLongerDown() {
    Pixels wide = Resize.shorterSide(new Pixels(511, 233, 1, new byte[511 * 233]), 256);
    assertEquals(561, wide.width());
    assertEquals(256, wide.height());
    Pixels tall = Resize.shorterSide(new Pixels(257, 300, 1, new byte[257 * 300]), 256);
    assertEquals(256, tall.width());
    assertEquals(298, tall.height());
  }

  @Test
  void shorterSide_alreadyThere_isTheSameImage() {
    Pixels image = new Pixels(3, 5, 1, new byte[15]);
    assertSame(image, Resize.shorterSide(image, 3));
  }
}
