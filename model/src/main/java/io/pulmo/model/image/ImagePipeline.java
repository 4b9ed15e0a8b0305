package io.pulmo.model.image;

import java.util.random.RandomGenerator;

/**
 * The way from an image file to the network's input, for training and serving alike: decode, resize
 * the shorter side, crop, scale to 0..1, normalize.
 *
 * <p>It follows torchvision's Resize, TenCrop, ToTensor and Normalize on a Pillow image, number for
 * number. A crop is 3 × cropPixels × cropPixels floats: channel, row, column. Safe for use by many
 * threads.
 */
public final class ImagePipeline {
  /** Four corners and the centre. */
  private static final int PLACES = Preprocessing.CROPS / 2;

  private static final int CENTRE = PLACES - 1;

  private final Preprocessing preprocessing;
  private final ImageLimits limits;

  /** What each byte becomes, by channel. */
  private final float[][] normalized = new float[3][256];

  /** A pipeline of these sizes that takes images within {@link ImageLimits#DEFAULTS}. */
  public ImagePipeline(Preprocessing preprocessing) {
    this(preprocessing, ImageLimits.DEFAULTS);
  }

  /** A pipeline of these sizes that takes images within these limits. */
  public ImagePipeline(Preprocessing preprocessing, ImageLimits limits) {
    this.preprocessing = preprocessing;
    this.limits = limits;
    for (int channel = 0; channel < 3; channel++) {
      float mean = preprocessing.mean().get(channel);
      float deviation = preprocessing.deviation().get(channel);
      for (int value = 0; value < 256; value++) {
        normalized[channel][value] = (value / 255f - mean) / deviation;
      }
    }
  }

  /** The sizes and constants. */
  public Preprocessing preprocessing() {
    return preprocessing;
  }

  /**
   * The decoded image, its shorter side {@code resizePixels} long.
   *
   * @param file the whole image file
   * @throws UnreadableImageException as {@link ImageDecoder#decode}
   */
  public Pixels resized(byte[] file) throws UnreadableImageException {
    return resized(ImageDecoder.decode(file, limits));
  }

  /** A decoded image, its shorter side {@code resizePixels} long. */
  public Pixels resized(Pixels decoded) {
    return Resize.shorterSide(decoded, preprocessing.resizePixels());
  }

  /**
   * Writes ten crops: top left, top right, bottom left, bottom right and centre, then the same five
   * of the mirrored image.
   *
   * @param resized as {@link #resized} gives it
   * @param into takes 10 × {@link Preprocessing#cropSize()} floats
   * @param offset of the first
   * @throws IllegalArgumentException if the image is smaller than a crop, or the room is
   */
  public void tenCrops(Pixels resized, float[] into, int offset) {
    check(resized, into, offset, Preprocessing.CROPS);
    int side = preprocessing.cropPixels();
    int width = resized.width();
    int lowest = resized.height() - side;
    int rightmost = width - side;
    int[] tops = {0, 0, lowest, lowest, half(lowest)};
    int[] lefts = {0, rightmost, 0, rightmost, half(rightmost)};
    // A row is normalized once, forwards and mirrored, and copied into all crops that it crosses.
    float[] row = new float[width];
    float[] mirrored = new float[width];
    for (int y = 0; y < resized.height(); y++) {
      if (y >= side && y < lowest && !within(y, tops[CENTRE], side)) {
        continue;
      }
      for (int channel = 0; channel < 3; channel++) {
        normalize(resized, y, channel, row, mirrored);
        for (int place = 0; place < PLACES; place++) {
          if (within(y, tops[place], side)) {
            int to =
                offset
                    + place * preprocessing.cropSize()
                    + (channel * side + y - tops[place]) * side;
            System.arraycopy(row, lefts[place], into, to, side);
            int mirroredTo = to + PLACES * preprocessing.cropSize();
            System.arraycopy(mirrored, lefts[place], into, mirroredTo, side);
          }
        }
      }
    }
  }

  private static boolean within(int y, int top, int side) {
    return y >= top && y < top + side;
  }

  /** One row of one channel as floats, and the same from right to left. */
  private void normalize(Pixels image, int y, int channel, float[] row, float[] mirrored) {
    float[] table = normalized[channel];
    byte[] values = image.values();
    int channels = image.channels();
    int last = row.length - 1;
    int from = y * row.length * channels + (channels == 1 ? 0 : channel);
    for (int x = 0; x <= last; x++) {
      float value = table[values[from] & 0xFF];
      row[x] = value;
      mirrored[last - x] = value;
      from += channels;
    }
  }

  /**
   * Writes the crop in the middle.
   *
   * @param resized as {@link #resized} gives it
   * @param into takes {@link Preprocessing#cropSize()} floats
   * @param offset of the first
   * @throws IllegalArgumentException if the image is smaller than a crop, or the room is
   */
  public void centreCrop(Pixels resized, float[] into, int offset) {
    check(resized, into, offset, 1);
    int top = half(resized.height() - preprocessing.cropPixels());
    int left = half(resized.width() - preprocessing.cropPixels());
    crop(resized, top, left, false, into, offset);
  }

  /**
   * Writes a crop from anywhere, each place as likely as another, mirrored one time in two.
   *
   * @param resized as {@link #resized} gives it
   * @param random three numbers are drawn from it: top, left and mirroring
   * @param into takes {@link Preprocessing#cropSize()} floats
   * @param offset of the first
   * @throws IllegalArgumentException if the image is smaller than a crop, or the room is
   */
  public void randomCrop(Pixels resized, RandomGenerator random, float[] into, int offset) {
    check(resized, into, offset, 1);
    int top = random.nextInt(resized.height() - preprocessing.cropPixels() + 1);
    int left = random.nextInt(resized.width() - preprocessing.cropPixels() + 1);
    crop(resized, top, left, random.nextBoolean(), into, offset);
  }

  private void check(Pixels image, float[] into, int offset, int crops) {
    int side = preprocessing.cropPixels();
    if (image.width() < side || image.height() < side) {
      throw new IllegalArgumentException(
          "an image of "
              + image.width()
              + " × "
              + image.height()
              + " pixels, expected at least "
              + side
              + " × "
              + side
              + ": resize it first");
    }
    if (offset < 0 || offset + (long) crops * preprocessing.cropSize() > into.length) {
      throw new IllegalArgumentException(
          "room for "
              + into.length
              + " floats with offset "
              + offset
              + ", expected "
              + (long) crops * preprocessing.cropSize()
              + " after it");
    }
  }

  /** Python's {@code round(n / 2)}: a half goes to the even neighbour. */
  private static int half(int n) {
    return (int) Math.rint(n / 2.0);
  }

  /** The crop at a place of the image, or of its mirror image. */
  private void crop(Pixels image, int top, int left, boolean mirrored, float[] into, int offset) {
    int side = preprocessing.cropPixels();
    int plane = side * side;
    int channels = image.channels();
    byte[] values = image.values();
    int step = mirrored ? -channels : channels;
    int column = mirrored ? image.width() - 1 - left : left;
    for (int channel = 0; channel < 3; channel++) {
      float[] table = normalized[channel];
      int within = channels == 1 ? 0 : channel;
      int to = offset + channel * plane;
      for (int y = 0; y < side; y++) {
        int from = ((top + y) * image.width() + column) * channels + within;
        for (int x = 0; x < side; x++) {
          into[to++] = table[values[from] & 0xFF];
          from += step;
        }
      }
    }
  }
}
