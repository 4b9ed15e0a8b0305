package io.pulmo.serving;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Random;
import javax.imageio.ImageIO;

/** Images that follow from a seed. */
public final class TestImages {
  private TestImages() {}

  /** A PNG of smooth blobs and noise, unlike any other seed's. */
  public static byte[] png(long seed) {
    Random random = new Random(seed);
    int width = 96 + random.nextInt(64);
    int height = 96 + random.nextInt(64);
    double wave = 0.02 + 0.1 * random.nextDouble();
    double phase = 6 * random.nextDouble();
    int bright = 40 + random.nextInt(120);
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double value =
            bright
                + 60 * Math.sin(wave * x + phase) * Math.cos(wave * y)
                + 10 * random.nextGaussian();
        image.getRaster().setSample(x, y, 0, (int) Math.max(0, Math.min(255, value)));
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
