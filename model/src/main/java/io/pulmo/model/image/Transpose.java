package io.pulmo.model.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The transposition of a matrix of bytes, in blocks of 8 × 8 that are held in eight longs.
 *
 * <p>Halves of a block change places, then quarters in each half, then bytes in each quarter
 * (Warren, "Hacker's Delight", 7-3, there with bits).
 */
final class Transpose {
  private static final int BLOCK = Long.BYTES;
  private static final long BYTES = 0x00FF00FF_00FF00FFL;
  private static final long SHORTS = 0x0000FFFF_0000FFFFL;
  private static final long INTS = 0x00000000_FFFFFFFFL;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Transpose() {}

  /**
   * Writes {@code rows} rows of {@code columns} bytes, which lie in {@code from} without gap, as
   * columns.
   *
   * @param columnBytes where the next column starts; the bytes behind rows are soiled
   */
  static void rowsToColumns(
      byte[] from, int first, int columns, int rows, byte[] to, int columnBytes) {
    transpose(from, first, columns, rows, columns, to, 0, columnBytes);
  }

  /** The way back: {@code rows} bytes of each column, as rows without gap. */
  static void columnsToRows(
      byte[] from, int columnBytes, int columns, int rows, byte[] to, int first) {
    transpose(from, 0, columnBytes, columns, rows, to, first, columns);
  }

  /**
   * Element (row, column) goes from [first + row × fromStride + column] to [column × toStride +
   * row].
   */
  private static void transpose(
      byte[] from,
      int first,
      int fromStride,
      int rows,
      int columns,
      byte[] to,
      int at,
      int toStride) {
    if (rows < BLOCK || columns < BLOCK) {
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
          to[at + column * toStride + row] = from[first + row * fromStride + column];
        }
      }
      return;
    }
    // The last block overlaps the one before it where a side is no multiple of eight.
    for (int i = 0; i < rows; i += BLOCK) {
      int row = Math.min(i, rows - BLOCK);
      for (int j = 0; j < columns; j += BLOCK) {
        int column = Math.min(j, columns - BLOCK);
        block(
            from,
            first + row * fromStride + column,
            fromStride,
            to,
            at + column * toStride + row,
            toStride);
      }
    }
  }

  private static void block(
      byte[] from, int source, int fromStride, byte[] to, int target, int toStride) {
    long a = (long) LONGS.get(from, source);
    long b = (long) LONGS.get(from, source + fromStride);
    long c = (long) LONGS.get(from, source + 2 * fromStride);
    long d = (long) LONGS.get(from, source + 3 * fromStride);
    long e = (long) LONGS.get(from, source + 4 * fromStride);
    long f = (long) LONGS.get(from, source + 5 * fromStride);
    long g = (long) LONGS.get(from, source + 6 * fromStride);
    long h = (long) LONGS.get(from, source + 7 * fromStride);

    long a4 = (a & INTS) | (e << 32);
    long e4 = (a >>> 32) | (e & ~INTS);
    long b4 = (b & INTS) | (f << 32);
    long f4 = (b >>> 32) | (f & ~INTS);
    long c4 = (c & INTS) | (g << 32);
    long g4 = (c >>> 32) | (g & ~INTS);
    long d4 = (d & INTS) | (h << 32);
    long h4 = (d >>> 32) | (h & ~INTS);

    long a2 = (a4 & SHORTS) | ((c4 & SHORTS) << 16);
    long c2 = ((a4 >>> 16) & SHORTS) | (c4 & ~SHORTS);
    long b2 = (b4 & SHORTS) | ((d4 & SHORTS) << 16);
    long d2 = ((b4 >>> 16) & SHORTS) | (d4 & ~SHORTS);
    long e2 = (e4 & SHORTS) | ((g4 & SHORTS) << 16);
    long g2 = ((e4 >>> 16) & SHORTS) | (g4 & ~SHORTS);
    long f2 = (f4 & SHORTS) | ((h4 & SHORTS) << 16);
    long h2 = ((f4 >>> 16) & SHORTS) | (h4 & ~SHORTS);

    LONGS.set(to, target, (a2 & BYTES) | ((b2 & BYTES) << 8));
    LONGS.set(to, target + toStride, ((a2 >>> 8) & BYTES) | (b2 & ~BYTES));
    LONGS.set(to, target + 2 * toStride, (c2 & BYTES) | ((d2 & BYTES) << 8));
    LONGS.set(to, target + 3 * toStride, ((c2 >>> 8) & BYTES) | (d2 & ~BYTES));
    LONGS.set(to, target + 4 * toStride, (e2 & BYTES) | ((f2 & BYTES) << 8));
    LONGS.set(to, target + 5 * toStride, ((e2 >>> 8) & BYTES) | (f2 & ~BYTES));
    LONGS.set(to, target + 6 * toStride, (g2 & BYTES) | ((h2 & BYTES) << 8));
    LONGS.set(to, target + 7 * toStride, ((g2 >>> 8) & BYTES) | (h2 & ~BYTES));
  }
}
