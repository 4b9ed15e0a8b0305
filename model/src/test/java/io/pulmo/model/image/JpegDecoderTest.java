package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class JpegDecoderTest {
  private static final int SOF = 0xC0;
  private static final int SOS = 0xDA;

  /** Kinds, and the first bytes of the SHA-256 of what Pillow 13.0.0 makes of them. */
  static Stream<Arguments> kinds() {
    return Stream.of(
        Arguments.of(new TestJpeg(37, 29, 1, 1, 1, false, 0.8f, 0), "847a7a49d11558fc"),
        Arguments.of(new TestJpeg(37, 29, 3, 1, 1, false, 0.8f, 0), "39f4f25c5f595c5d"),
        Arguments.of(new TestJpeg(37, 29, 3, 2, 1, false, 0.8f, 0), "3b3175e54809c2d4"),
        Arguments.of(new TestJpeg(37, 29, 3, 2, 2, false, 0.8f, 5), "af3b5ee7fb3bcd48"),
        Arguments.of(new TestJpeg(37, 29, 3, 1, 2, false, 0.8f, 0), "48aa30324eae52cc"),
        Arguments.of(new TestJpeg(37, 30, 3, 1, 2, true, 0.3f, 0), "f275d605f34584bc"),
        Arguments.of(new TestJpeg(37, 29, 3, 4, 1, false, 0.8f, 0), "8985c94383e7ef10"),
        Arguments.of(new TestJpeg(37, 29, 3, 2, 2, true, 0.8f, 7), "af3b5ee7fb3bcd48"),
        Arguments.of(new TestJpeg(37, 29, 1, 1, 1, true, 0.8f, 0), "847a7a49d11558fc"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void decode_eachKind_givesPillowsBytes(TestJpeg kind, String digest)
      throws UnreadableImageException, NoSuchAlgorithmException {
    Pixels pixels = ImageDecoder.decode(file(kind));
    assertEquals(kind.components(), pixels.channels());
    byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(pixels.values());
    assertEquals(digest, HexFormat.of().formatHex(sha256, 0, 8));
  }

  @Test
  void decode_notesProfilesAndOrientation_changeNothing() throws UnreadableImageException {
    byte[] plain = file(new TestJpeg(20, 10, 3, 2, 2, false, 0.8f, 0));
    byte[] noted =
        with(
            plain,
            2,
            segment(0xE1, "Exif\0\0II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"),
            segment(0xE2, "ICC_PROFILE\0\1\2no profile at all"),
            segment(0xFE, "a note"));
    assertArrayEquals(ImageDecoder.decode(plain).values(), ImageDecoder.decode(noted).values());
  }

  @Test
  void decode_adobesMarkOrNames_tellRgb() throws UnreadableImageException {
    byte[] grey = new byte[3 * 64];
    Arrays.fill(grey, (byte) 100);
    byte[] file = new TestJpeg(8, 8, 3, 1, 1, false, 1f, 0).file(grey);
    byte[] bare = without(file, 0xE0);
    assertArrayEquals(new int[] {100, 100, 100}, firstPixel(bare));
    assertArrayEquals(new int[] {100, 100, 100}, firstPixel(with(bare, 2, adobe(1))));
    // As they lie in the file: luminance, and no colour.
    assertArrayEquals(new int[] {100, 128, 128}, firstPixel(with(bare, 2, adobe(0))));
    assertArrayEquals(new int[] {100, 100, 100}, firstPixel(with(file, 2, adobe(0))));
    byte[] named = bare.clone();
    int frame = indexOf(named, SOF);
    int scan = indexOf(named, SOS);
    for (int i = 0; i < 3; i++) {
      named[frame + 10 + 3 * i] = (byte) "RGB".charAt(i);
      named[scan + 5 + 2 * i] = (byte) "RGB".charAt(i);
    }
    assertArrayEquals(new int[] {100, 128, 128}, firstPixel(named));
  }

  @Test
  void decode_truncatedAnywhere_isRefused() {
    for (boolean progressive : new boolean[] {false, true}) {
      byte[] file = file(new TestJpeg(20, 10, 3, 2, 1, progressive, 0.5f, 0));
      for (int length = 0; length < file.length; length++) {
        refusal(Arrays.copyOf(file, length));
      }
    }
  }

  @Test
  void decode_bytesBehindTheEnd_areIgnored() throws UnreadableImageException {
    byte[] file = file(new TestJpeg(20, 10, 3, 2, 1, false, 0.5f, 0));
    assertArrayEquals(
        ImageDecoder.decode(file).values(),
        ImageDecoder.decode(with(file, file.length, new byte[99])).values());
  }

  @Test
  void decode_dataCutAndEndMarkPut_isRefused() {
    byte[] file = file(new TestJpeg(64, 64, 1, 1, 1, false, 0.9f, 0));
    byte[] cut = Arrays.copyOf(file, file.length - file.length / 3);
    String message = refusal(with(cut, cut.length, new byte[] {(byte) 0xFF, (byte) 0xD9}));
    assertTrue(message.contains("64 × 64") && message.contains("premature end"), message);
  }

  @Test
  void decode_progressiveWithoutItsLastScan_isRefused() {
    byte[] file = file(new TestJpeg(64, 64, 1, 1, 1, true, 0.9f, 0));
    int last = file.length - 2;
    while ((file[last] & 0xFF) != 0xFF || (file[last + 1] & 0xFF) != SOS) {
      last--;
    }
    byte[] cut = Arrays.copyOf(file, last);
    String message = refusal(with(cut, last, new byte[] {(byte) 0xFF, (byte) 0xD9}));
    assertTrue(message.contains("leave out part"), message);
  }

  @Test
  void decode_countlessScans_isRefusedBeforeDecoding() {
    // One coefficient each, first without and then with its lowest bit: 128 scans.
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] file = file(new TestJpeg(8, 8, 1, 1, 1, true, 0.9f, 0));
    out.write(file, 0, indexOf(file, SOS));
    for (int high = 0; high < 2; high++) {
      for (int coefficient = 0; coefficient < 64; coefficient++) {
        char which = (char) coefficient;
        String bits = high == 0 ? "\1" : "\20";
        out.writeBytes(segment(SOS, "\1\1\0" + which + which + bits));
        out.write(0);
      }
    }
    assertTrue(refusal(out.toByteArray()).contains("over 100 scans"));
  }

  @Test
  void decode_emptyScansOfALargeImage_areRefusedBeforeDecoding() {
    byte[] file = file(new TestJpeg(8, 8, 1, 1, 1, true, 0.9f, 0));
    int frame = indexOf(file, 0xC2);
    // 16,128 × 6,144 pixels.
    file[frame + 5] = 24;
    file[frame + 6] = 0;
    file[frame + 7] = 63;
    file[frame + 8] = 0;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(file, 0, indexOf(file, SOS));
    for (int coefficient = 0; coefficient < 64; coefficient++) {
      char which = (char) coefficient;
      out.writeBytes(segment(SOS, "\1\1\0" + which + which + "\0"));
      out.writeBytes(new byte[coefficient == 0 ? 200_000 : 1]);
    }
    assertTrue(refusal(out.toByteArray()).contains("scans pass over more than 18000000"));
  }

  static Stream<Arguments> changes() {
    return Stream.of(
        frame("bits", "12 bits", (f, at) -> f[at + 4] = 12),
        frame("no height", "20 × 0", (f, at) -> f[at + 6] = 0),
        frame("two", "has 15 bytes", (f, at) -> f[at + 9] = 2),
        frame("lossless", "lossless", (f, at) -> f[at + 1] = (byte) 0xC3),
        frame("hierarchical", "hierarchical", (f, at) -> f[at + 1] = (byte) 0xC5),
        frame("arithmetic", "arithmetic", (f, at) -> f[at + 1] = (byte) 0xC9),
        frame("sampling", "sampled 0 × 1", (f, at) -> f[at + 11] = 1),
        frame("same names", "called 1", (f, at) -> f[at + 13] = 1),
        frame("too wide", "expected sides", (f, at) -> f[at + 7] = 0x7F),
        frame(
            "empty data",
            "cannot hold the 2560 × 2570",
            (f, at) -> {
              f[at + 5] = 10;
              f[at + 7] = 10;
              f[at + 8] = 0;
            }),
        frame("second frame", "second frame", (f, at) -> f[indexOf(f, 0xC4) + 1] = (byte) 0xC0),
        frame("stranger", "of component 9", (f, at) -> f[indexOf(f, SOS) + 5] = 9),
        frame("odd marker", "the marker 01 at byte 2", (f, at) -> f[3] = 1),
        frame("no marker", "no marker at byte 20", (f, at) -> f[20] = 0));
  }

  /** Something to do to a file whose frame header is at a place. */
  private interface Change {
    void to(byte[] file, int frameAt);
  }

  private static Arguments frame(String name, String expected, Change change) {
    Consumer<byte[]> toFile = file -> change.to(file, indexOf(file, SOF));
    return Arguments.of(name, expected, toFile);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("changes")
  void decode_wrongHeader_isNamed(String name, String expected, Consumer<byte[]> change) {
    byte[] file = file(new TestJpeg(20, 10, 3, 1, 1, false, 0.5f, 0));
    change.accept(file);
    String message = refusal(file);
    assertTrue(message.contains(expected), message);
  }

  @Test
  void decode_fourInks_isRefusedWithTheReason() {
    for (boolean progressive : new boolean[] {false, true}) {
      String message = refusal(file(new TestJpeg(20, 10, 4, 1, 1, progressive, 0.5f, 0)));
      assertTrue(message.contains("CMYK") && message.contains("save it as one"), message);
    }
  }

  private static byte[] file(TestJpeg kind) {
    return kind.file(new SplittableRandom(7));
  }

  private static int[] firstPixel(byte[] file) throws UnreadableImageException {
    byte[] values = ImageDecoder.decode(file).values();
    return new int[] {values[0] & 0xFF, values[1] & 0xFF, values[2] & 0xFF};
  }

  private static byte[] adobe(int transform) {
    return segment(0xEE, "Adobe\0d\0\0\0\0" + (char) transform);
  }

  private static byte[] segment(int marker, String data) {
    byte[] segment = new byte[4 + data.length()];
    segment[0] = (byte) 0xFF;
    segment[1] = (byte) marker;
    segment[3] = (byte) (2 + data.length());
    for (int i = 0; i < data.length(); i++) {
      segment[4 + i] = (byte) data.charAt(i);
    }
    return segment;
  }

  private static byte[] with(byte[] file, int at, byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(file, 0, at);
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    out.write(file, at, file.length - at);
    return out.toByteArray();
  }

  private static byte[] without(byte[] file, int marker) {
    int at = indexOf(file, marker);
    int end = at + 2 + ((file[at + 2] & 0xFF) << 8 | (file[at + 3] & 0xFF));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(file, 0, at);
    out.write(file, end, file.length - end);
    return out.toByteArray();
  }

  private static int indexOf(byte[] file, int marker) {
    int at = 0;
    while ((file[at] & 0xFF) != 0xFF || (file[at + 1] & 0xFF) != marker) {
      at++;
    }
    return at;
  }

  private static String refusal(byte[] file) {
    String message =
        assertThrows(UnreadableImageException.class, () -> ImageDecoder.decode(file)).getMessage();
    assertTrue(String.valueOf(message).contains("expected"), message);
    return String.valueOf(message);
  }
}
