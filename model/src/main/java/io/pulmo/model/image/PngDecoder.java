package io.pulmo.model.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * A reader of PNG files by ImageIO that gives the pixels Pillow's {@code convert("RGB")} gives.
 *
 * <p>Grey files stay one channel, since the three would be equal: 1, 2 and 4 bits are spread over
 * 0..255, 16 bits are divided by 257 and rounded, where Pillow clips them at 255. Palettes become
 * colours, alpha is dropped, 16-bit colour keeps its high byte. Samples are read from the raster:
 * asking a grey BufferedImage for RGB would convert gamma. Transparency, gamma, profiles, texts and
 * whatever else a file carries do not reach ImageIO.
 */
final class PngDecoder {
  private static final int HEADER_BYTES = 13;

  /** The last chunk of every file. */
  private static final byte[] END = {
    0, 0, 0, 0, 'I', 'E', 'N', 'D', (byte) 0xAE, 0x42, 0x60, (byte) 0x82
  };

  private PngDecoder() {}

  /** The pixels of a file whose header was read from it and is within the limits. */
  static Pixels decode(byte[] file, PngHeader header) throws UnreadableImageException {
    Optional<Pixels> plain = PlainPng.decode(file, header);
    return plain.isPresent() ? plain.get() : decodeAny(file, header);
  }

  /** The pixels of a file of any kind. */
  static Pixels decodeAny(byte[] file, PngHeader header) throws UnreadableImageException {
    PngData.check(file, header);
    try {
      return pixels(header, read(file, header));
    } catch (IOException | RuntimeException e) {
      if (e.getCause() instanceof OutOfMemoryError memory) {
        throw memory; // The reader wraps it as if the file were at fault.
      }
      // The reader reports damage by whatever its arithmetic runs into; the cause says more.
      Throwable cause = e.getCause() != null ? e.getCause() : e;
      throw new UnreadableImageException(
          "a damaged PNG of "
              + header.width()
              + " × "
              + header.height()
              + " pixels ("
              + cause.getMessage()
              + "); expected data for every row: send the file again or save it anew",
          e);
    }
  }

  /** The image by ImageIO, which is given the chunks that make the pixels and no others. */
  private static BufferedImage read(byte[] file, PngHeader header) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
    // A stream of our own, in memory: ImageIO's default one is cached in a file.
    try (ImageInputStream in = new MemoryCacheImageInputStream(needed(file, header))) {
      reader.setInput(in, true, true);
      return reader.read(0);
    } finally {
      reader.dispose();
    }
  }

  private static InputStream needed(byte[] file, PngHeader header) {
    int headerEnd = PngHeader.FIRST_CHUNK + PngHeader.AROUND_DATA + HEADER_BYTES;
    List<InputStream> parts = new ArrayList<>();
    parts.add(new ByteArrayInputStream(file, 0, headerEnd));
    if (header.colour() == PngHeader.Colour.PALETTE) {
      int length = PngHeader.AROUND_DATA + 3 * header.paletteSize();
      parts.add(new ByteArrayInputStream(file, header.paletteAt(), length));
    }
    int length = header.dataEnd() - header.dataAt();
    parts.add(new ByteArrayInputStream(file, header.dataAt(), length));
    parts.add(new ByteArrayInputStream(END));
    return new SequenceInputStream(Collections.enumeration(parts));
  }

  private static Pixels pixels(PngHeader header, BufferedImage image) {
    return switch (header.colour()) {
      case GREY, GREY_ALPHA -> grey(header, image.getRaster());
      case PALETTE -> palette(header, image.getRaster(), (IndexColorModel) image.getColorModel());
      case RGB, RGB_ALPHA -> colour(header, image.getRaster());
    };
  }

  private static Pixels grey(PngHeader header, Raster raster) {
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] values = new byte[width * height];
    int[] row = new int[width];
    int bits = raster.getSampleModel().getSampleSize(0);
    int most = (1 << bits) - 1;
    boolean highByte = header.colour() == PngHeader.Colour.GREY_ALPHA;
    for (int y = 0; y < height; y++) {
      raster.getSamples(0, y, width, 1, 0, row);
      for (int x = 0; x < width; x++) {
        int value = row[x];
        values[y * width + x] =
            (byte)
                (bits == 8
                    ? value
                    : bits < 8 ? value * 255 / most : highByte ? value >> 8 : (value + 128) / 257);
      }
    }
    return new Pixels(width, height, 1, values);
  }

  private static Pixels palette(PngHeader header, Raster raster, IndexColorModel colours) {
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] values = new byte[3 * width * height];
    int[] row = new int[width];
    int at = 0;
    for (int y = 0; y < height; y++) {
      raster.getSamples(0, y, width, 1, 0, row);
      for (int index : row) {
        // Pillow makes an index beyond the file's palette black; ImageIO has padded it.
        boolean known = index < header.paletteSize();
        values[at++] = (byte) (known ? colours.getRed(index) : 0);
        values[at++] = (byte) (known ? colours.getGreen(index) : 0);
        values[at++] = (byte) (known ? colours.getBlue(index) : 0);
      }
    }
    return new Pixels(width, height, 3, values);
  }

  private static Pixels colour(PngHeader header, Raster raster) {
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] values = new byte[3 * width * height];
    int[] row = new int[width];
    int shift = header.bits() - 8;
    for (int y = 0; y < height; y++) {
      for (int band = 0; band < 3; band++) {
        raster.getSamples(0, y, width, 1, band, row);
        int at = 3 * y * width + band;
        for (int value : row) {
          values[at] = (byte) (value >> shift);
          at += 3;
        }
      }
    }
    return new Pixels(width, height, 3, values);
  }
}
