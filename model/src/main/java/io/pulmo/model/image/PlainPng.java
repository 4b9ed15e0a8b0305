package io.pulmo.model.image;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A fast reader of the PNG files that archives of radiographs hold: 8 bits a sample, no palette,
 * not interlaced.
 *
 * <p>It answers only files that are whole and sound. Of any other it says nothing, and {@link
 * PngDecoder}'s general way gives the pixels or the error: the two differ in speed alone.
 */
final class PlainPng {
  private PlainPng() {}

  /**
   * The pixels of a file whose header was read from it.
   *
   * @return nothing if it is of another kind, or its data are not exactly those that its size asks
   *     for
   */
  static Optional<Pixels> decode(byte[] file, PngHeader header) {
    boolean plain =
        header.bits() == 8 && !header.interlaced() && header.colour() != PngHeader.Colour.PALETTE;
    // An array holds no more.
    if (!plain || header.rawBytes() > Integer.MAX_VALUE - 2 * Inflate.SLACK_BYTES) {
      return Optional.empty();
    }
    byte[] data = data(file, header);
    int rawBytes = (int) header.rawBytes();
    byte[] filtered = new byte[rawBytes + Inflate.SLACK_BYTES];
    if (!Inflate.inflate(data, data.length - Inflate.SLACK_BYTES, filtered, rawBytes)) {
      return Optional.empty();
    }
    int width = header.width();
    int height = header.height();
    int samples = header.colour().samples();
    byte[] rows = new byte[width * height * samples];
    if (!Unfilter.rows(filtered, width * samples, height, samples, rows)) {
      return Optional.empty();
    }
    return Optional.of(
        switch (header.colour()) {
          case GREY -> new Pixels(width, height, 1, rows);
          case RGB -> new Pixels(width, height, 3, rows);
          case GREY_ALPHA -> new Pixels(width, height, 1, without(rows, 2));
          case RGB_ALPHA -> new Pixels(width, height, 3, without(rows, 4));
          case PALETTE -> throw new AssertionError("not plain");
        });
  }

  /** The data of all chunks in one piece, then slack. */
  private static byte[] data(byte[] file, PngHeader header) {
    ByteBuffer chunks = ByteBuffer.wrap(file);
    int length = 0;
    for (int at = header.dataAt(); at < header.dataEnd(); at = next(chunks, at)) {
      length += chunks.getInt(at);
    }
    byte[] data = new byte[length + Inflate.SLACK_BYTES];
    int filled = 0;
    for (int at = header.dataAt(); at < header.dataEnd(); at = next(chunks, at)) {
      int chunkBytes = chunks.getInt(at);
      System.arraycopy(file, at + PngHeader.BEFORE_DATA, data, filled, chunkBytes);
      filled += chunkBytes;
    }
    return data;
  }

  private static int next(ByteBuffer chunks, int at) {
    return at + PngHeader.AROUND_DATA + chunks.getInt(at);
  }

  /** The samples without the last of every pixel. */
  private static byte[] without(byte[] rows, int samples) {
    byte[] kept = new byte[rows.length / samples * (samples - 1)];
    int at = 0;
    for (int i = 0; i < rows.length; i++) {
      if (i % samples != samples - 1) {
        kept[at++] = rows[i];
      }
    }
    return kept;
  }
}
