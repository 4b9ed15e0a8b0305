package io.pulmo.model.image;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** The compressed pixels of a PNG file: what lies in its IDAT chunks, one after the other. */
final class PngData {
  private static final int CHECK_BYTES = 1 << 16;

  private final byte[] file;
  private final int end;
  private int at;

  PngData(byte[] file, PngHeader header) {
    this.file = file;
    this.at = header.dataAt();
    this.end = header.dataEnd();
  }

  /** Gives the next chunk that holds anything to an inflater; false if there is none. */
  boolean feed(Inflater inflater) {
    while (at < end) {
      int length = ByteBuffer.wrap(file).getInt(at);
      int from = at + PngHeader.BEFORE_DATA;
      at += PngHeader.AROUND_DATA + length;
      if (length > 0) {
        inflater.setInput(file, from, length);
        return true;
      }
    }
    return false;
  }

  /**
   * Checks that the data inflate to as many bytes as the rows have, in little memory and without
   * inflating much more.
   */
  static void check(byte[] file, PngHeader header) throws UnreadableImageException {
    PngData data = new PngData(file, header);
    long expected = header.rawBytes();
    long count = 0;
    byte[] room = new byte[(int) Math.min(CHECK_BYTES, expected + 1)];
    Inflater inflater = new Inflater();
    try {
      while (!inflater.finished() && count <= expected) {
        int inflated = inflater.inflate(room);
        count += inflated;
        if (inflated == 0 && !inflater.finished()) {
          if (inflater.needsDictionary()) {
            throw PngHeader.damaged("its compressed data ask for a dictionary");
          }
          if (!data.feed(inflater)) {
            throw PngHeader.damaged(
                "its compressed data end after %d of %d bytes of its %d × %d pixels"
                    .formatted(count, expected, header.width(), header.height()));
          }
        }
      }
    } catch (DataFormatException e) {
      throw PngHeader.damaged(
          "its compressed data are wrong after %d of %d bytes of its %d × %d pixels (%s)"
              .formatted(count, expected, header.width(), header.height(), e.getMessage()));
    } finally {
      inflater.end();
    }
    if (count != expected) {
      throw PngHeader.damaged(
          "its compressed data hold %s bytes, and its %d × %d pixels need %d"
              .formatted(
                  count > expected ? "more than " + expected : count,
                  header.width(),
                  header.height(),
                  expected));
    }
  }
}
