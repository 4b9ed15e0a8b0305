package io.pulmo.model.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Pillow's antialiased bilinear resampling, byte for byte.
 *
 * <p>Each output pixel is a weighted mean of the input under a triangle as wide as the scale, the
 * rows first, then the columns, rounded to bytes between the two. Pillow scales the weights to
 * integers of 22 bits (32 less 8 for the sample and 2 for the sum); the same integers give the same
 * bytes. A sum stays below 2³¹, and rounds to at most 255, since the weights are positive and add
 * up to 2²² or so.
 *
 * <p>A long holds two such sums: it is read from eight neighbouring samples at once, and multiplied
 * by a weight that they share. Samples above one another share their weights when columns are
 * resampled; so the other pass turns bands of rows into columns first, and back. Cost: width ×
 * height × channels × (scale of x + scale of y) multiplications or so, half as many in fact.
 */
final class Resize {
  private static final int PRECISION_BITS = 32 - 8 - 2;
  private static final int HALF = 1 << (PRECISION_BITS - 1);

  /** Two sums' halves, and the samples' places in them. */
  private static final long HALVES = HALF | ((long) HALF << 32);

  private static final long SAMPLES = 0x000000FF_000000FFL;

  /** Rows that are turned at a time: they stay in the nearest cache. */
  private static final int BAND_ROWS = 64;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

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
    int samplesIn = image.width() * channels;
    int samplesOut = width * channels;
    byte[] to = new byte[samplesOut * image.height()];
    byte[] columnsIn = new byte[samplesIn * BAND_ROWS];
    byte[] columnsOut = new byte[samplesOut * BAND_ROWS];
    for (int y = 0; y < image.height(); y += BAND_ROWS) {
      int rows = Math.min(BAND_ROWS, image.height() - y);
      Transpose.rowsToColumns(image.values(), y * samplesIn, samplesIn, rows, columnsIn, BAND_ROWS);
      for (int x = 0; x < width; x++) {
        for (int channel = 0; channel < channels; channel++) {
          int from = (weights.first[x] * channels + channel) * BAND_ROWS;
          int at = (x * channels + channel) * BAND_ROWS;
          blend(columnsIn, from, channels * BAND_ROWS, weights, x, columnsOut, at, BAND_ROWS);
        }
      }
      Transpose.columnsToRows(columnsOut, BAND_ROWS, samplesOut, rows, to, y * samplesOut);
    }
    return new Pixels(width, image.height(), channels, to);
  }

  private static Pixels vertically(Pixels image, int height) {
    Weights weights = Weights.of(image.height(), height);
    int samples = image.width() * image.channels();
    byte[] to = new byte[samples * height];
    for (int y = 0; y < height; y++) {
      int from = weights.first[y] * samples;
      blend(image.values(), from, samples, weights, y, to, y * samples, samples);
    }
    return new Pixels(image.width(), height, image.channels(), to);
  }

  /**
   * Writes the weighted means of samples that lie {@code stride} apart, for many beside another.
   */
  private static void blend(
      byte[] from, int first, int stride, Weights weights, int output, byte[] to, int at, int n) {
    int[] values = weights.values;
    int begin = output * weights.stride;
    int end = begin + weights.count[output];
    if (n < Long.BYTES) {
      for (int x = 0; x < n; x++) {
        int sum = HALF;
        int source = first + x;
        for (int w = begin; w < end; w++) {
          sum += (from[source] & 0xFF) * values[w];
          source += stride;
        }
        to[at + x] = (byte) (sum >>> PRECISION_BITS);
      }
      return;
    }
    for (int i = 0; i < n; i += Long.BYTES) {
      // The last eight overlap those before them where n is no multiple of eight.
      int x = Math.min(i, n - Long.BYTES);
      long sums04 = HALVES;
      long sums15 = HALVES;
      long sums26 = HALVES;
      long sums37 = HALVES;
      int source = first + x;
      for (int w = begin; w < end; w++) {
        long samples = (long) LONGS.get(from, source);
        long weight = values[w];
        sums04 += (samples & SAMPLES) * weight;
        sums15 += ((samples >>> 8) & SAMPLES) * weight;
        sums26 += ((samples >>> 16) & SAMPLES) * weight;
        sums37 += ((samples >>> 24) & SAMPLES) * weight;
        source += stride;
      }
      long means =
          ((sums04 >>> PRECISION_BITS) & SAMPLES)
              | (((sums15 >>> PRECISION_BITS) & SAMPLES) << 8)
              | (((sums26 >>> PRECISION_BITS) & SAMPLES) << 16)
              | (((sums37 >>> PRECISION_BITS) & SAMPLES) << 24);
      LONGS.set(to, at + x, means);
    }
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
