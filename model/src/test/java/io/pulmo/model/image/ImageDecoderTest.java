package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ImageDecoderTest {
  static Stream<Arguments> kinds() {
    return Stream.of(
        Arguments.of("grey 8", TestPng.of(3, 1, 8, 0, 0, 100, 255), 1, new int[] {0, 100, 255}),
        Arguments.of("grey 1", TestPng.of(3, 1, 1, 0, 0b10100000), 1, new int[] {255, 0, 255}),
        Arguments.of("grey 2", TestPng.of(4, 1, 2, 0, 0b00011011), 1, new int[] {0, 85, 170, 255}),
        Arguments.of("grey 4", TestPng.of(2, 1, 4, 0, 0x3F), 1, new int[] {51, 255}),
        // 0x0080 / 257 is 0.498, 0x0081 / 257 is 0.502, 0xFF7F / 257 is 254.50.
        Arguments.of(
            "grey 16",
            TestPng.of(4, 1, 16, 0, 0x00, 0x80, 0x00, 0x81, 0xFF, 0x7F, 0xFF, 0xFF),
            1,
            new int[] {0, 1, 255, 255}),
        Arguments.of("grey alpha 8", TestPng.of(2, 1, 8, 4, 7, 0, 200, 9), 1, new int[] {7, 200}),
        Arguments.of(
            "grey alpha 16", TestPng.of(1, 1, 16, 4, 0x12, 0xFF, 0, 0), 1, new int[] {0x12}),
        Arguments.of(
            "rgb 8", TestPng.of(1, 2, 8, 2, 1, 2, 3, 4, 5, 6), 3, new int[] {1, 2, 3, 4, 5, 6}),
        Arguments.of(
            "rgb 16", TestPng.of(1, 1, 16, 2, 1, 255, 2, 255, 3, 255), 3, new int[] {1, 2, 3}),
        Arguments.of("rgb alpha 8", TestPng.of(1, 1, 8, 6, 9, 8, 7, 0), 3, new int[] {9, 8, 7}),
        Arguments.of(
            "palette 2 with an index beyond it",
            TestPng.start(3, 1, 2, 3)
                .chunk("PLTE", new byte[] {10, 20, 30, 40, 50, 60})
                .data(1, 0b00_01_11_00)
                .end(),
            3,
            new int[] {10, 20, 30, 40, 50, 60, 0, 0, 0}),
        Arguments.of(
            "palette 8 with alpha",
            TestPng.start(2, 1, 8, 3)
                .chunk("PLTE", new byte[] {10, 20, 30, 40, 50, 60})
                .chunk("tRNS", new byte[] {0, 7})
                .data(1, 1, 0)
                .end(),
            3,
            new int[] {40, 50, 60, 10, 20, 30}),
        Arguments.of(
            "grey 4 with one grey transparent",
            TestPng.start(2, 1, 4, 0).chunk("tRNS", new byte[] {0, 3}).data(1, 0x3F).end(),
            1,
            new int[] {51, 255}),
        Arguments.of(
            "rgb 8 with one colour transparent",
            TestPng.start(1, 1, 8, 2)
                .chunk("tRNS", new byte[] {0, 9, 0, 8, 0, 7})
                .data(1, 9, 8, 7)
                .end(),
            3,
            new int[] {9, 8, 7}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void decode_eachKind_givesPillowsValues(String kind, byte[] file, int channels, int[] expected)
      throws UnreadableImageException {
    Pixels pixels = ImageDecoder.decode(file);
    assertEquals(channels, pixels.channels(), kind);
    int[] values = new int[pixels.values().length];
    Arrays.setAll(values, i -> pixels.values()[i] & 0xFF);
    assertArrayEquals(expected, values, kind);
  }

  static Stream<Arguments> strangers() {
    byte[] dicom = new byte[140];
    System.arraycopy("DICM".getBytes(StandardCharsets.US_ASCII), 0, dicom, 128, 4);
    return Stream.of(
        Arguments.of(new byte[0], "an empty file"),
        Arguments.of(dicom, "a DICOM file"),
        Arguments.of(new byte[] {(byte) 0xFF, (byte) 0xD8}, "bytes ff d8"),
        Arguments.of("GIF89a".getBytes(StandardCharsets.US_ASCII), "a GIF image"),
        Arguments.of("<html>".getBytes(StandardCharsets.US_ASCII), "3c 68 74 6d 6c 3e"));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("strangers")
  void decode_anotherFormat_isNamed(byte[] file, String name) {
    String message = refusal(file);
    assertTrue(message.contains(name) && message.contains("expected a PNG or JPEG"), message);
  }

  static Stream<Arguments> sizes() {
    return Stream.of(
        Arguments.of(16_385, 16_000, "16385 × 16000"),
        Arguments.of(16_000, 16_000, "16000 × 16000"),
        Arguments.of(21, 1, "21 × 1"),
        Arguments.of(100, 2_001, "100 × 2001"));
  }

  @ParameterizedTest(name = "{2}")
  @MethodSource("sizes")
  void decode_sizeOutOfBounds_isRefusedBeforeDecoding(int width, int height, String size) {
    // No file of this length holds so many pixels: only the header can have been looked at.
    String message = refusal(TestPng.of(width, height, 8, 0, 1));
    assertTrue(message.contains(size) && message.contains("at most 16384"), message);
  }

  @Test
  void decode_moreMemoryThanTheHeapAllows_isRefusedBeforeItIsTaken() {
    // Zeros shrink to a thousandth, so the compressed data are as long as the rows want.
    byte[] file = TestPng.start(13_300, 7_500, 16, 6).chunk("IDAT", new byte[800_000]).end();
    String message = refusal(file);
    assertTrue(message.contains("13300 × 7500") && message.contains("MiB to decode"), message);
  }

  @Test
  void decode_zeroWidth_isRefused() {
    assertTrue(refusal(TestPng.of(0, 1, 8, 0, 1)).contains("0 × 1"));
  }

  @Test
  void decode_chunkLongerThanFile_isRefused() {
    byte[] file = TestPng.of(1, 1, 8, 0, 1);
    file[8 + 25] = 0x7F;
    assertTrue(refusal(file).contains("ends within the chunk at byte 33"));
  }

  @Test
  void decode_flippedBit_isRefusedByCheckSum() {
    byte[] file = TestPng.of(1, 1, 8, 0, 1);
    file[8 + 25 + 10] ^= 1;
    assertTrue(refusal(file).contains("check sum of its chunk IDAT"));
  }

  @Test
  void decode_truncatedAnywhere_isRefusedOrWhole() throws UnreadableImageException {
    byte[] file = TestPng.of(5, 4, 8, 2, new SplittableRandom(1).ints(60, 0, 256).toArray());
    Pixels whole = ImageDecoder.decode(file);
    int lastChunk = 12;
    for (int length = 0; length < file.length - lastChunk; length++) {
      refusal(Arrays.copyOf(file, length));
    }
    // Only the end mark is missing.
    byte[] unmarked = Arrays.copyOf(file, file.length - lastChunk);
    assertArrayEquals(whole.values(), ImageDecoder.decode(unmarked).values());
  }

  private static String refusal(byte[] file) {
    String message =
        assertThrows(UnreadableImageException.class, () -> ImageDecoder.decode(file)).getMessage();
    return String.valueOf(message);
  }
}
