package io.pulmo.model.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** A maker of PNG files of every kind, and of broken ones with right check sums. */
final class TestPng {
  private final List<byte[]> chunks = new ArrayList<>();

  /** A file with unfiltered rows. */
  static byte[] of(int width, int height, int bits, int colour, int... rows) {
    return start(width, height, bits, colour).data(height, rows).end();
  }

  static TestPng start(int width, int height, int bits, int colour) {
    return start(width, height, bits, colour, false);
  }

  static TestPng start(int width, int height, int bits, int colour, boolean interlaced) {
    byte[] header =
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put((byte) bits)
            .put((byte) colour)
            .put(new byte[2])
            .put((byte) (interlaced ? 1 : 0))
            .array();
    return new TestPng().chunk("IHDR", header);
  }

  /** Raw bytes of the rows, as many for each. */
  TestPng data(int height, int... rows) {
    int stride = Math.max(1, rows.length / height);
    byte[] filtered = new byte[rows.length + (rows.length - 1) / stride + 1];
    for (int i = 0; i < rows.length; i++) {
      filtered[i + i / stride + 1] = (byte) rows[i];
    }
    return chunk("IDAT", deflated(filtered));
  }

  static byte[] deflated(byte[] bytes) {
    Deflater deflater = new Deflater();
    deflater.setInput(bytes);
    deflater.finish();
    byte[] packed = new byte[bytes.length + 64];
    int length = deflater.deflate(packed);
    deflater.end();
    return Arrays.copyOf(packed, length);
  }

  TestPng chunk(String type, byte[] data) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(data);
    chunks.add(
        ByteBuffer.allocate(12 + data.length)
            .putInt(data.length)
            .put(name)
            .put(data)
            .putInt((int) crc.getValue())
            .array());
    return this;
  }

  byte[] end() {
    chunk("IEND", new byte[0]);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    chunks.forEach(out::writeBytes);
    return out.toByteArray();
  }
}
