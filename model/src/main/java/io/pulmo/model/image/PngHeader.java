package io.pulmo.model.image;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * What a PNG file says of itself before its pixels.
 *
 * <p>Reading it walks through all chunks and checks their lengths, check sums and order, and that
 * the compressed data can hold the pixels at all: deflate makes at most 1032 bytes of one. Nothing
 * is allocated and nothing inflated; what ancillary chunks hold is never looked at.
 *
 * @param width in pixels
 * @param height in pixels
 * @param bits of a sample
 * @param colour what the samples of a pixel are
 * @param interlaced by Adam7
 * @param paletteAt where the palette chunk starts, with its length; 0 without one
 * @param paletteSize its colours
 * @param dataAt where the first IDAT chunk starts, with its length; the others follow it
 * @param dataEnd where the last one ends, with its check sum
 */
record PngHeader(
    int width,
    int height,
    int bits,
    Colour colour,
    boolean interlaced,
    int paletteAt,
    int paletteSize,
    int dataAt,
    int dataEnd) {
  /** What the samples of a pixel mean. */
  enum Colour {
    GREY(0, 1, 1, 2, 4, 8, 16),
    RGB(2, 3, 8, 16),
    PALETTE(3, 1, 1, 2, 4, 8),
    GREY_ALPHA(4, 2, 8, 16),
    RGB_ALPHA(6, 4, 8, 16);

    private final int code;
    private final int samples;
    private final int[] depths;

    Colour(int code, int samples, int... depths) {
      this.code = code;
      this.samples = samples;
      this.depths = depths;
    }

    /** Samples of a pixel. */
    int samples() {
      return samples;
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

  /** Where the header chunk starts. */
  static final int FIRST_CHUNK = 8;

  /** Bytes of a chunk before its data: its length and type. */
  static final int BEFORE_DATA = 8;

  /** Bytes of a chunk beside its data: its length and type, and its check sum. */
  static final int AROUND_DATA = 12;

  private static final int HEADER_BYTES = 13;
  private static final int MOST_COLOURS = 256;
  private static final int MOST_INFLATION = 1032;

  /** Adam7's passes: first column, first row, step of columns, step of rows. */
  private static final int[][] PASSES = {
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
  };

  /** Reads the header of a file that has PNG's signature. */
  static PngHeader read(byte[] file, ImageLimits limits) throws UnreadableImageException {
    ByteBuffer bytes = ByteBuffer.wrap(file);
    PngHeader header = null;
    int paletteAt = 0;
    int paletteSize = 0;
    int dataAt = 0;
    int dataEnd = 0;
    int at = FIRST_CHUNK;
    while (at < file.length) {
      int left = file.length - at - AROUND_DATA;
      int length = left < 0 ? -1 : bytes.getInt(at);
      if (length < 0 || length > left) {
        throw damaged("it ends within the chunk at byte " + at);
      }
      String type = type(file, at);
      int end = at + AROUND_DATA + length;
      if (header == null) {
        if (!type.equals("IHDR") || length != HEADER_BYTES) {
          throw damaged("its first chunk is " + type + " of " + length + " bytes, not a header");
        }
        checkSum(file, at, length, type);
        header = parse(bytes.slice(at + BEFORE_DATA, length));
        limits.check(header.width, header.height);
        at = end;
        continue;
      }
      checkSum(file, at, length, type);
      switch (type) {
        case "IHDR" -> throw damaged("it has a second header at byte " + at);
        case "PLTE" -> {
          if (paletteAt != 0 || dataAt != 0) {
            throw damaged(
                "the palette at byte "
                    + at
                    + " comes after "
                    + (dataAt != 0 ? "pixels" : "another"));
          }
          if (length == 0 || length % 3 != 0 || length > 3 * MOST_COLOURS) {
            throw damaged("its palette has " + length + " bytes, not three for each of 1 to 256");
          }
          paletteAt = at;
          paletteSize = length / 3;
        }
        case "IDAT" -> {
          if (dataAt == 0) {
            dataAt = at;
          } else if (dataEnd != at) {
            throw damaged("other chunks part its pixels before byte " + at);
          }
          dataEnd = end;
        }
        case "IEND" -> {
          return header.with(paletteAt, paletteSize, dataAt, dataEnd);
        }
        default -> {
          if (Character.isUpperCase(type.charAt(0))) {
            throw damaged("it cannot be read without its chunk " + type + ", which is unknown");
          }
        }
      }
      at = end;
    }
    if (header == null) {
      throw damaged("it ends after its signature");
    }
    return header.with(paletteAt, paletteSize, dataAt, dataEnd);
  }

  private static String type(byte[] file, int at) throws UnreadableImageException {
    for (int i = at + 4; i < at + 8; i++) {
      int letter = file[i] & ~0x20;
      if (letter < 'A' || letter > 'Z') {
        throw damaged("the chunk at byte " + at + " has no type of four letters");
      }
    }
    return new String(file, at + 4, 4, StandardCharsets.US_ASCII);
  }

  private static PngHeader parse(ByteBuffer in) throws UnreadableImageException {
    int width = in.getInt();
    int height = in.getInt();
    int bits = in.get();
    int code = in.get();
    int compression = in.get();
    int filter = in.get();
    int interlace = in.get();
    if (width < 1 || height < 1) {
      throw damaged(
          "its size is "
              + Integer.toUnsignedString(width)
              + " × "
              + Integer.toUnsignedString(height));
    }
    if (compression != 0 || filter != 0 || interlace < 0 || interlace > 1) {
      throw damaged(
          "it has compression %d, filter %d and interlacing %d, of which PNG knows 0, 0 and 0 or 1"
              .formatted(compression & 0xFF, filter & 0xFF, interlace & 0xFF));
    }
    for (Colour colour : Colour.values()) {
      if (colour.code == code && colour.allows(bits)) {
        return new PngHeader(width, height, bits, colour, interlace == 1, 0, 0, 0, 0);
      }
    }
    throw damaged(
        "it has colour type %d with %d bits, which PNG does not know"
            .formatted(code & 0xFF, bits & 0xFF));
  }

  private PngHeader with(int paletteAt, int paletteSize, int dataAt, int dataEnd)
      throws UnreadableImageException {
    if (dataAt == 0) {
      throw damaged("it has no pixels");
    }
    if (colour == Colour.PALETTE && paletteAt == 0) {
      throw damaged("it has no palette before its pixels, which need one");
    }
    if (rawBytes() > (long) MOST_INFLATION * (dataEnd - dataAt)) {
      throw damaged(
          "%d bytes of compressed data cannot hold the %d × %d pixels that its header names"
              .formatted(dataEnd - dataAt, width, height));
    }
    return new PngHeader(
        width, height, bits, colour, interlaced, paletteAt, paletteSize, dataAt, dataEnd);
  }

  /** Bytes that the data inflate to: the rows, each after its filter's byte. */
  long rawBytes() {
    if (!interlaced) {
      return height * (1 + rowBytes(width));
    }
    long bytes = 0;
    for (int[] pass : PASSES) {
      int columns = (width - pass[0] + pass[2] - 1) / pass[2];
      int rows = (height - pass[1] + pass[3] - 1) / pass[3];
      bytes += columns < 1 || rows < 1 ? 0 : rows * (1 + rowBytes(columns));
    }
    return bytes;
  }

  private long rowBytes(int columns) {
    return ((long) columns * colour.samples * bits + 7) / 8;
  }

  /**
   * Bytes of heap that decoding takes at most: the data, the rows filtered and not, and the pixels.
   */
  long decodingBytes() {
    int channels = colour == Colour.GREY || colour == Colour.GREY_ALPHA ? 1 : 3;
    return dataEnd - dataAt + 2L * height * rowBytes(width) + (long) channels * width * height;
  }

  private static void checkSum(byte[] file, int at, int length, String type)
      throws UnreadableImageException {
    CRC32 crc = new CRC32();
    crc.update(file, at + 4, 4 + length);
    if ((int) crc.getValue() != ByteBuffer.wrap(file).getInt(at + BEFORE_DATA + length)) {
      throw damaged("the check sum of its chunk " + type + " at byte " + at + " is wrong");
    }
  }

  /** A refusal that says what is wrong. */
  static UnreadableImageException damaged(String how) {
    return new UnreadableImageException(
        "a damaged PNG: " + how + "; expected a whole file: send it again or save it anew");
  }
}
