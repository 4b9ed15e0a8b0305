package io.pulmo.model.data;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * A writer of 8-bit grey PNG files (ISO/IEC 15948) that gives the same bytes for the same pixels.
 */
final class GreyPng {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

  private GreyPng() {}

  /** The file for rows of grey levels from the top. */
  static byte[] encode(int width, int height, byte[] grey) {
    byte[] filtered = new byte[height * (width + 1)];
    for (int y = 0; y < height; y++) {
      int to = y * (width + 1);
      int from = y * width;
      // Filter 1: each pixel less its left neighbour.
      filtered[to] = 1;
      int left = 0;
      for (int x = 0; x < width; x++) {
        int value = grey[from + x];
        filtered[to + 1 + x] = (byte) (value - left);
        left = value;
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(filtered.length);
    out.writeBytes(SIGNATURE);
    byte[] header =
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put((byte) 8)
            .put((byte) 0)
            .put((byte) 0)
            .put((byte) 0)
            .put((byte) 0)
            .array();
    chunk(out, "IHDR", header, header.length);
    // Filtered noise has no repeats worth a search: Huffman codes alone are as small, and faster.
    Deflater deflater = new Deflater(Deflater.BEST_SPEED);
    try {
      deflater.setStrategy(Deflater.HUFFMAN_ONLY);
      deflater.setInput(filtered);
      deflater.finish();
      byte[] packed = new byte[filtered.length + filtered.length / 100 + 64];
      int length = 0;
      while (!deflater.finished()) {
        length += deflater.deflate(packed, length, packed.length - length);
      }
      chunk(out, "IDAT", packed, length);
    } finally {
      deflater.end();
    }
    chunk(out, "IEND", new byte[0], 0);
    return out.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] data, int length) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(data, 0, length);
    out.writeBytes(ByteBuffer.allocate(4).putInt(length).array());
    out.writeBytes(name);
    out.write(data, 0, length);
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }
}
