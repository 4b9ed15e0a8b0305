package io.pulmo.model.image;

import java.util.List;

/**
 * How an image becomes the network's input: resize the shorter side, take crops, scale to 0..1,
 * normalize each channel.
 *
 * @param resizePixels the shorter side after resizing
 * @param cropPixels the side of the square crops, at most resizePixels
 * @param mean of red, green and blue, in 0..1
 * @param deviation of red, green and blue, in 0..1
 */
public record Preprocessing(
    int resizePixels, int cropPixels, List<Float> mean, List<Float> deviation) {
  /** Crops of one image when it is judged: four corners and the centre, then the same mirrored. */
  public static final int CROPS = 10;

  /** Checks sizes and counts. */
  public Preprocessing {
    mean = List.copyOf(mean);
    deviation = List.copyOf(deviation);
    if (resizePixels < 1 || resizePixels > 4096) {
      throw new IllegalArgumentException(
          "resizePixels is " + resizePixels + ", expected a number from 1 to 4096");
    }
    if (cropPixels < 1 || cropPixels > resizePixels) {
      throw new IllegalArgumentException(
          "cropPixels is " + cropPixels + ", expected a number from 1 to " + resizePixels);
    }
    if (mean.size() != 3 || deviation.size() != 3) {
      throw new IllegalArgumentException(
          "mean and deviation have "
              + mean.size()
              + " and "
              + deviation.size()
              + " values, expected three each");
    }
    for (float d : deviation) {
      if (!(d > 0)) {
        throw new IllegalArgumentException("a deviation is " + d + ", expected more than 0");
      }
    }
  }

  /**
   * These sizes with ImageNet's mean and deviation, which torchvision's pre-trained networks
   * expect.
   */
  public static Preprocessing imageNet(int resizePixels, int cropPixels) {
    return new Preprocessing(
        resizePixels, cropPixels, List.of(0.485f, 0.456f, 0.406f), List.of(0.229f, 0.224f, 0.225f));
  }

  /** Floats of one crop: 3 × cropPixels × cropPixels. */
  public int cropSize() {
    return 3 * cropPixels * cropPixels;
  }
}
