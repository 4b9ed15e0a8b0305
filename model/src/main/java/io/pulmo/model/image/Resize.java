package io.pulmo.model.image;

import java.util.Arrays;

/**
 * Pillow's antialiased bilinear resampling, byte for byte.
 *
 * <p>Each output pixel is a weighted mean of the input under a triangle as wide as the scale, the
 * rows first, then the columns, rounded to bytes between the two. Pillow scales the weights to
 * integers of 22 bits (32 less 8 for the sample and 2 for the sum); the same integers give the same
 * bytes. Cost: width × height × channels × (scale of x + scale of y) multiplications or so.
 */
final class Resize {
  private static final int PRECISION_BITS = 32 - 8 - 2;
  private static final int HALF = 1 << (PRECISION_BITS - 1);

  private Resize() {}

  /** The image whose shorter side has this many pixels, the longer in proportion, rounded down. */
  static Pixels shorterSide(Pixels image, int pixels) {
    int width = image.width();
    int height = image.height();
    return width <= height
        ? to(image, pixels, (int) ((long) pixels * height / width))
        : to(image, (int) ((long) pixels * width / height), pixels);
  }

  /** The image at this size. */
  static Pixels to(Pixels image, int width, int height) {
    // Pillow 13 does the columns first where the height shrinks by over twice what the width does.
    int fewerRows = image.height() - height;
    if (fewerRows > 0 && fewerRows > 2 * (image.width() - width)) {
      Pixels low = vertically(image, height);
      return low.width() == width ? low : horizontally(low, width);
    }
    Pixels narrow = image.width() == width ? image : horizontally(image, width);
    return narrow.height() == height ? narrow : vertically(narrow, height);
  }

  private static Pixels horizontally(Pixels image, int width) {
    Weights weights = Weights.of(image.width(), width);
    int channels = image.channels();
    byte[] from = image.values();
    byte[] to = new byte[width * image.height() * channels];
    int at = 0;
    for (int y = 0; y < image.height(); y++) {
      int row = y * image.width() * channels;
      for (int x = 0; x < width; x++) {
        int first = row + weights.first[x] * channels;
        int weight = x * weights.stride;
        int end = weight + weights.count[x];
        for (int channel = 0; channel < channels; channel++) {
          int sum = HALF;
          int source = first + channel;
          for (int w = weight; w < end; w++) {
            sum += (from[source] & 0xFF) * weights.values[w];
            source += channels;
          }
          to[at++] = clip(sum);
        }
      }
    }
    return new Pixels(width, image.height(), channels, to);
  }

  private static Pixels vertically(Pixels image, int height) {
    Weights weights = Weights.of(image.height(), height);
    int samples = image.width() * image.channels();
    byte[] from = image.values();
    byte[] to = new byte[samples * height];
    int[] sums = new int[samples];
    for (int y = 0; y < height; y++) {
      Arrays.fill(sums, HALF);
      for (int i = 0; i < weights.count[y]; i++) {
        int weight = weights.values[y * weights.stride + i];
        int row = (weights.first[y] + i) * samples;
        for (int x = 0; x < samples; x++) {
          sums[x] += (from[row + x] & 0xFF) * weight;
        }
      }
      for (int x = 0; x < samples; x++) {
        to[y * samples + x] = clip(sums[x]);
      }
    }
    return new Pixels(image.width(), height, image.channels(), to);
  }

  private static byte clip(int sum) {
    return (byte) Math.max(0, Math.min(255, sum >> PRECISION_BITS));
  }

  /** For each output pixel, where its weights start in the input, how many they are, and they. */
  private static final class Weights {
    final int stride;
    final int[] first;
    final int[] count;
    final int[] values;

    private Weights(int stride, int outputs) {
      this.stride = stride;
      this.first = new int[outputs];
      this.count = new int[outputs];
      this.values = new int[stride * outputs];
    }

    static Weights of(int inputs, int outputs) {
      double scale = (double) inputs / outputs;
      double support = Math.max(1, scale);
      int stride = (int) Math.ceil(support) * 2 + 1;
      Weights weights = new Weights(stride, outputs);
      double[] triangle = new double[stride];
      for (int out = 0; out < outputs; out++) {
        double centre = (out + 0.5) * scale;
        int from = Math.max(0, (int) (centre - support + 0.5));
        int to = Math.min(inputs, (int) (centre + support + 0.5));
        double total = 0;
        for (int i = 0; i < to - from; i++) {
          double distance = Math.abs((i + from - centre + 0.5) * (1 / support));
          triangle[i] = distance < 1 ? 1 - distance : 0;
          total += triangle[i];
        }
        weights.first[out] = from;
        weights.count[out] = to - from;
        for (int i = 0; i < to - from; i++) {
          double share = total == 0 ? triangle[i] : triangle[i] / total;
          weights.values[out * stride + i] = (int) (0.5 + share * (1 << PRECISION_BITS));
        }
      }
      return weights;
    }
  }
}
