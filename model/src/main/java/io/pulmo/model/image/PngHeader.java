package io.pulmo.model.image;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * What a PNG file says of itself before its pixels.
 *
 * <p>Reading it walks through all chunks, so that no length in the file reaches beyond the file:
 * whatever decodes it afterwards allocates no more than the file and its size in pixels ask for.
 */
record PngHeader(int width, int height, int bits, Colour colour, int paletteSize) {
  /** What the samples of a pixel mean. */
  enum Colour {
    GREY(0, 1, 2, 4, 8, 16),
    RGB(2, 8, 16),
    PALETTE(3, 1, 2, 4, 8),
    GREY_ALPHA(4, 8, 16),
    RGB_ALPHA(6, 8, 16);

    private final int code;
    private final int[] depths;

    Colour(int code, int... depths) {
      this.code = code;
      this.depths = depths;
    }

    private boolean allows(int bits) {
      for (int depth : depths) {
        if (depth == bits) {
          return true;
        }
      }
      return false;
    }
  }

  private static final int FIRST_CHUNK = 8;
  private static final int AROUND_DATA = 12;

  /** Reads the header of a file that has PNG's signature. */
  static PngHeader read(byte[] file) throws UnreadableImageException {
    PngHeader header = null;
    int paletteSize = 0;
    boolean data = false;
    int at = FIRST_CHUNK;
    while (at < file.length) {
      int left = file.length - at - AROUND_DATA;
      int length = left < 0 ? -1 : ByteBuffer.wrap(file).getInt(at);
      if (length < 0 || length > left) {
        throw damaged("it ends within the chunk at byte " + at);
      }
      String type = new String(file, at + 4, 4, StandardCharsets.ISO_8859_1);
      if (Character.isUpperCase(type.charAt(0))) {
        checkSum(file, at, length, type);
      }
      if (header == null) {
        if (!type.equals("IHDR") || length != 13) {
          throw damaged("its first chunk is not a header");
        }
        header = parse(ByteBuffer.wrap(file, at + 8, length));
      } else if (type.equals("IHDR")) {
        throw damaged("it has a second header at byte " + at);
      }
      if (type.equals("PLTE") && !data) {
        paletteSize = length / 3;
      }
      data |= type.equals("IDAT");
      at += AROUND_DATA + length;
      if (type.equals("IEND")) {
        break;
      }
    }
    if (header == null || !data) {
      throw damaged("it has no pixels");
    }
    return new PngHeader(header.width, header.height, header.bits, header.colour, paletteSize);
  }

  private static PngHeader parse(ByteBuffer in) throws UnreadableImageException {
    int width = in.getInt();
    int height = in.getInt();
    int bits = in.get();
    int code = in.get();
    if (width < 1 || height < 1) {
      throw damaged(
          "its size is "
              + Integer.toUnsignedString(width)
              + " × "
              + Integer.toUnsignedString(height));
    }
    for (Colour colour : Colour.values()) {
      if (colour.code == code && colour.allows(bits)) {
        return new PngHeader(width, height, bits, colour, 0);
      }
    }
    throw damaged(
        "it has colour type " + code + " with " + bits + " bits, which PNG does not know");
  }

  private static void checkSum(byte[] file, int at, int length, String type)
      throws UnreadableImageException {
    CRC32 crc = new CRC32();
    crc.update(file, at + 4, 4 + length);
    if ((int) crc.getValue() != ByteBuffer.wrap(file).getInt(at + 8 + length)) {
      throw damaged("the check sum of its chunk " + type + " at byte " + at + " is wrong");
    }
  }

  private static UnreadableImageException damaged(String how) {
    return new UnreadableImageException(
        "a damaged PNG: " + how + "; expected a whole file: send it again or save it anew");
  }
}
