package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.image.RandomPng.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PngDecoderTest {
  private static final byte[] PALETTE = {10, 20, 30, 40, 50, 60};
  private static final byte[] ROW = TestPng.deflated(new byte[] {0, 7});

  static Stream<Arguments> kinds() {
    return RandomPng.KINDS.stream().filter(Kind::interlaced).map(Arguments::of);
  }

  /** Passes of Adam7 are empty in images of fewer than five columns or rows. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void decode_interlacedOfAnySmallSize_isAsWithout(Kind kind) throws UnreadableImageException {
    Kind plain = new Kind(kind.bits(), kind.colour(), false);
    for (int width = 1; width <= 9; width++) {
      for (int height = 1; height <= 9; height++) {
        int seed = 100 * width + height;
        byte[] one = new RandomPng(new SplittableRandom(seed), kind, width, height).file();
        byte[] other = new RandomPng(new SplittableRandom(seed), plain, width, height).file();
        assertArrayEquals(
            ImageDecoder.decode(other).values(),
            ImageDecoder.decode(one).values(),
            kind + ", " + width + " × " + height);
      }
    }
  }

  static Stream<Arguments> damages() {
    byte[] eight = new byte[8];
    return Stream.of(
        of("its palette has 4 bytes", grey().chunk("PLTE", new byte[4])),
        of("its palette has 0 bytes", grey().chunk("PLTE", new byte[0])),
        of("its palette has 771 bytes", grey().chunk("PLTE", new byte[771])),
        of("after another", coloured().chunk("PLTE", PALETTE).chunk("PLTE", PALETTE)),
        of("after pixels", coloured().chunk("IDAT", ROW).chunk("PLTE", PALETTE)),
        of("no palette", coloured().chunk("IDAT", ROW)),
        of(
            "other chunks part",
            grey().chunk("IDAT", ROW).chunk("tEXt", eight).chunk("IDAT", new byte[0])),
        of("without its chunk ABCD", grey().chunk("ABCD", eight).chunk("IDAT", ROW)),
        of("no type of four letters", grey().chunk("ID T", eight).chunk("IDAT", ROW)),
        of("second header", grey().chunk("IHDR", new byte[13])),
        of("its first chunk is IDAT", new TestPng().chunk("IDAT", ROW)),
        of("no pixels", grey()),
        of("compression 1", header(1, 0, 0)),
        of("filter 9", header(0, 9, 0)),
        of("interlacing 2", header(0, 0, 2)),
        of("cannot hold the 2000 × 2000", TestPng.start(2000, 2000, 8, 0).chunk("IDAT", ROW)),
        of("more than 2", grey().chunk("IDAT", TestPng.deflated(new byte[3]))),
        of("hold 1 bytes", grey().chunk("IDAT", TestPng.deflated(new byte[1]))),
        of("end after 2 of 2", grey().chunk("IDAT", Arrays.copyOf(ROW, ROW.length - 1))),
        of("wrong after", grey().chunk("IDAT", changed(ROW, ROW.length - 1))),
        of("wrong after 0 of 2", grey().chunk("IDAT", changed(ROW, 0))),
        of("dictionary", grey().chunk("IDAT", withDictionary())),
        of("row filter", grey().chunk("IDAT", TestPng.deflated(new byte[] {5, 7}))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damages")
  void decode_damage_isNamed(String expected, TestPng png) {
    assertRefused(expected, png.end());
  }

  @Test
  void decode_wrongCheckSumOfANote_isRefused() {
    byte[] file = grey().chunk("tEXt", new byte[8]).chunk("IDAT", ROW).end();
    file[8 + 25 + 8] ^= 1;
    assertRefused("check sum of its chunk tEXt at byte 33", file);
  }

  @Test
  void decode_notesAndProfiles_areNotInflated() throws UnreadableImageException {
    // Each would inflate to 64 MiB.
    byte[] bomb = TestPng.deflated(new byte[64 << 20]);
    byte[] file =
        grey()
            .chunk("iCCP", joined("sRGB\0\0", bomb))
            .chunk("zTXt", joined("Comment\0\0", bomb))
            .chunk("iTXt", joined("Comment\0\1\0\0\0", bomb))
            .chunk("gAMA", new byte[] {0, 0, 0, 1})
            .chunk("eXIf", new byte[] {'M', 'M', 0, 42})
            .chunk("tRNS", new byte[] {0, 7})
            .chunk("IDAT", ROW)
            .end();
    Pixels pixels = ImageDecoder.decode(file);
    assertEquals(1, pixels.channels());
    assertArrayEquals(new byte[] {7}, pixels.values());
  }

  @Test
  void decode_dataInManyChunks_areOne() throws UnreadableImageException {
    TestPng png = grey().chunk("IDAT", new byte[0]);
    for (byte one : ROW) {
      png.chunk("IDAT", new byte[] {one}).chunk("IDAT", new byte[0]);
    }
    assertArrayEquals(new byte[] {7}, ImageDecoder.decode(png.end()).values());
  }

  @Test
  void decode_moreColoursThanIndexes_readsThem() throws UnreadableImageException {
    byte[] many = new byte[3 * 256];
    Arrays.setAll(new Object[many.length], i -> many[i] = (byte) i);
    byte[] file =
        TestPng.start(1, 1, 1, 3)
            .chunk("PLTE", many)
            .chunk("IDAT", TestPng.deflated(new byte[] {0, -128}))
            .end();
    assertArrayEquals(new byte[] {3, 4, 5}, ImageDecoder.decode(file).values());
  }

  @Test
  void decode_limitsOfTheCaller_areKept() throws UnreadableImageException {
    byte[] file = TestPng.of(4, 2, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8);
    assertEquals(4, ImageDecoder.decode(file, new ImageLimits(4, 8, 2)).width());
    for (ImageLimits less :
        new ImageLimits[] {
          new ImageLimits(3, 8, 2), new ImageLimits(4, 7, 2), new ImageLimits(4, 8, 1)
        }) {
      String message =
          assertThrows(UnreadableImageException.class, () -> ImageDecoder.decode(file, less))
              .getMessage();
      assertTrue(String.valueOf(message).contains("4 × 2"), message);
    }
  }

  private static Arguments of(String expected, TestPng png) {
    return Arguments.of(expected, png);
  }

  private static TestPng grey() {
    return TestPng.start(1, 1, 8, 0);
  }

  private static TestPng coloured() {
    return TestPng.start(1, 1, 8, 3);
  }

  private static TestPng header(int compression, int filter, int interlace) {
    byte[] bytes = {
      0, 0, 0, 1, 0, 0, 0, 1, 8, 0, (byte) compression, (byte) filter, (byte) interlace
    };
    return new TestPng().chunk("IHDR", bytes).chunk("IDAT", ROW);
  }

  private static byte[] changed(byte[] bytes, int at) {
    byte[] now = bytes.clone();
    now[at] ^= 1;
    return now;
  }

  private static byte[] withDictionary() {
    Deflater deflater = new Deflater();
    deflater.setDictionary(new byte[] {0, 7});
    deflater.setInput(new byte[] {0, 7});
    deflater.finish();
    byte[] packed = new byte[64];
    int length = deflater.deflate(packed);
    deflater.end();
    return Arrays.copyOf(packed, length);
  }

  private static byte[] joined(String start, byte[] rest) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(start.getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(rest);
    return out.toByteArray();
  }

  private static void assertRefused(String expected, byte[] file) {
    String message =
        assertThrows(UnreadableImageException.class, () -> ImageDecoder.decode(file)).getMessage();
    assertTrue(String.valueOf(message).contains(expected), message);
    assertTrue(String.valueOf(message).contains("expected"), message);
  }
}
