package io.pulmo.model.image;

/**
 * PNG's five row filters, undone for samples of 8 bits (ISO/IEC 15948, 9).
 *
 * <p>Average and Paeth make each sample wait for the one to its left, and the wait is what a row
 * costs. So a grey row and the one below it are undone in one loop, the lower a sample behind the
 * upper, and the processor works on either while the other waits.
 */
final class Unfilter {
  private static final int NONE = 0;
  private static final int SUB = 1;
  private static final int UP = 2;
  private static final int AVERAGE = 3;
  private static final int PAETH = 4;

  private Unfilter() {}

  /**
   * Undoes the filters of all rows.
   *
   * @param filtered height × (1 + rowBytes) bytes: each row's filter, then its samples
   * @param step samples of a pixel
   * @param to takes height × rowBytes samples
   * @return false if a filter does not exist
   */
  static boolean rows(byte[] filtered, int rowBytes, int height, int step, byte[] to) {
    byte[] above = new byte[rowBytes]; // Above the first row lie zeros.
    int aboveAt = 0;
    int y = 0;
    while (y < height) {
      int from = y * (rowBytes + 1);
      int at = y * rowBytes;
      int filter = filtered[from];
      int lower = y + 1 < height ? filtered[from + rowBytes + 1] : NONE;
      if (step == 1 && waits(filter) && waits(lower)) {
        twoGreyRows(filtered, from, rowBytes, above, aboveAt, to, at);
        y += 2;
      } else if (step == 1 && filter == SUB) {
        greySub(filtered, from + 1, rowBytes, to, at);
        y++;
      } else if (row(filter, filtered, from + 1, rowBytes, step, above, aboveAt, to, at)) {
        y++;
      } else {
        return false;
      }
      above = to;
      aboveAt = (y - 1) * rowBytes;
    }
    return true;
  }

  private static boolean waits(int filter) {
    return filter == AVERAGE || filter == PAETH;
  }

  private static void greySub(byte[] filtered, int from, int width, byte[] to, int at) {
    int left = 0;
    for (int x = 0; x < width; x++) {
      left += filtered[from + x];
      to[at + x] = (byte) left;
    }
  }

  private static void twoGreyRows(
      byte[] filtered, int from, int width, byte[] above, int aboveAt, byte[] to, int at) {
    boolean paeth = filtered[from] == PAETH;
    boolean lowerPaeth = filtered[from + width + 1] == PAETH;
    int upper = from + 1;
    int lower = upper + width; // Of the lower row, the sample before that of the upper.
    int lowerAt = at + width - 1;
    int left = 0;
    int corner = 0;
    int lowerLeft = 0;
    int lowerCorner = 0;
    for (int x = 0; x < width; x++) {
      int lowerUp = left;
      int up = above[aboveAt + x] & 0xFF;
      left = sample(filtered[upper + x], paeth, left, up, corner);
      corner = up;
      to[at + x] = (byte) left;
      if (x > 0) {
        lowerLeft = sample(filtered[lower + x], lowerPaeth, lowerLeft, lowerUp, lowerCorner);
        lowerCorner = lowerUp;
        to[lowerAt + x] = (byte) lowerLeft;
      }
    }
    to[lowerAt + width] =
        (byte) sample(filtered[lower + width], lowerPaeth, lowerLeft, left, lowerCorner);
  }

  private static int sample(int filtered, boolean paeth, int left, int up, int corner) {
    int predicted = paeth ? paeth(left, up, corner) : (left + up) >>> 1;
    return (filtered + predicted) & 0xFF;
  }

  private static boolean row(
      int filter,
      byte[] filtered,
      int from,
      int length,
      int step,
      byte[] above,
      int aboveAt,
      byte[] to,
      int at) {
    switch (filter) {
      case NONE -> System.arraycopy(filtered, from, to, at, length);
      case SUB -> {
        // The first pixel has none to its left: zeros.
        System.arraycopy(filtered, from, to, at, step);
        for (int x = step; x < length; x++) {
          to[at + x] = (byte) (filtered[from + x] + to[at + x - step]);
        }
      }
      case UP -> {
        for (int x = 0; x < length; x++) {
          to[at + x] = (byte) (filtered[from + x] + above[aboveAt + x]);
        }
      }
      case AVERAGE -> {
        for (int x = 0; x < step; x++) {
          to[at + x] = (byte) (filtered[from + x] + ((above[aboveAt + x] & 0xFF) >>> 1));
        }
        for (int x = step; x < length; x++) {
          int sum = (to[at + x - step] & 0xFF) + (above[aboveAt + x] & 0xFF);
          to[at + x] = (byte) (filtered[from + x] + (sum >>> 1));
        }
      }
      case PAETH -> {
        for (int x = 0; x < step; x++) {
          to[at + x] = (byte) (filtered[from + x] + above[aboveAt + x]);
        }
        for (int x = step; x < length; x++) {
          int left = to[at + x - step] & 0xFF;
          int up = above[aboveAt + x] & 0xFF;
          int corner = above[aboveAt + x - step] & 0xFF;
          to[at + x] = (byte) (filtered[from + x] + paeth(left, up, corner));
        }
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  /**
   * Whichever of the three is nearest to left + up − corner, the first of equals.
   *
   * <p>That is the larger of left and up where corner is so small that the sum lies beyond it, the
   * smaller where corner is so large, and corner between. It is chosen by masks, since no processor
   * could foresee a branch.
   */
  private static int paeth(int left, int up, int corner) {
    int threshold = 3 * corner - up - left;
    int low = Math.min(left, up);
    int high = Math.max(left, up);
    int small = (threshold - low - 1) >> 31;
    int large = (high - threshold - 1) >> 31;
    // Both hold only if all three are equal.
    return corner + ((high - corner) & small) + ((low - corner) & large);
  }
}
