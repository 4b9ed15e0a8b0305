package io.pulmo.model.image;

/**
 * The largest image that is decoded; what goes beyond it is refused before memory is taken for it.
 *
 * @param maxSidePixels of the longer side
 * @param maxPixels width × height
 * @param maxRatio how many times as long as the other a side may be
 */
public record ImageLimits(int maxSidePixels, long maxPixels, int maxRatio) {
  /** Three times the side and eight times the pixels of the largest radiographs in use. */
  public static final ImageLimits DEFAULTS = new ImageLimits(16_384, 100_000_000, 20);

  /** The largest image file that is read from a disk. */
  public static final int MAX_FILE_BYTES = 64 << 20;

  /** An array holds three values a pixel. */
  private static final long MOST_PIXELS = 700_000_000;

  /** JPEG has no longer side, and no array is indexed by a longer one. */
  private static final int MOST_SIDE = 65_535;

  /** Checks that each allows for some image, and none for more than an array holds. */
  public ImageLimits {
    if (maxSidePixels < 1 || maxSidePixels > MOST_SIDE) {
      throw new IllegalArgumentException(
          "the largest side is " + maxSidePixels + ", expected 1 to " + MOST_SIDE + " pixels");
    }
    if (maxPixels < 1 || maxPixels > MOST_PIXELS) {
      throw new IllegalArgumentException(
          "the largest image is " + maxPixels + ", expected 1 to " + MOST_PIXELS + " pixels");
    }
    if (maxRatio < 1) {
      throw new IllegalArgumentException(
          "the largest ratio of the sides is " + maxRatio + ", expected 1 or more");
    }
  }

  /** Refuses a size beyond them. */
  void check(int width, int height) throws UnreadableImageException {
    boolean small =
        width <= maxSidePixels && height <= maxSidePixels && (long) width * height <= maxPixels;
    boolean even = Math.max(width, height) <= (long) maxRatio * Math.min(width, height);
    if (!small || !even) {
      throw new UnreadableImageException(
          "an image of "
              + width
              + " × "
              + height
              + " pixels; expected sides of at most "
              + maxSidePixels
              + ", at most "
              + maxPixels
              + " pixels in all, and no side over "
              + maxRatio
              + " times the other: make it smaller, or allow for more");
    }
  }
}
