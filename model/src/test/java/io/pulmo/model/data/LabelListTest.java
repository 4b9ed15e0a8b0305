package io.pulmo.model.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelListTest {
  private static final String GOOD = "00000001_000.png 1 0 0 0 1 0 0 0 0 0 0 0 0 1\n";
  private static final String OTHER = "00000001_001.png 0 0 0 0 1 0 0 0 0 0 0 0 0 0";

  @Test
  void parse_goodLines_givesNamesAndLabels() throws IOException, LabelListException {
    LabelList list = parse(GOOD + OTHER);
    assertEquals(2, list.size());
    assertEquals("00000001_001.png", list.name(1));
    assertTrue(list.positive(0, Finding.HERNIA));
    assertFalse(list.positive(1, Finding.HERNIA));
    float[] labels = new float[16];
    list.labels(0, labels, 1);
    assertArrayEquals(new float[] {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, labels);
    long[] positives = list.positives();
    assertEquals(2, positives[Finding.MASS.ordinal()]);
    assertEquals(1, positives[Finding.ATELECTASIS.ordinal()]);
    assertEquals(0, positives[Finding.EDEMA.ordinal()]);
  }

  @Test
  void parse_carriageReturns_areLineEnds() throws IOException, LabelListException {
    assertEquals(2, parse(GOOD.replace("\n", "\r\n") + OTHER + "\r\n").size());
  }

  @Test
  void read_plainAndPacked_areTheSame(@TempDir Path folder) throws IOException, LabelListException {
    Path plain = folder.resolve("plain.txt");
    Files.writeString(plain, GOOD + OTHER);
    Path packed = folder.resolve("packed.txt");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
      out.write((GOOD + OTHER).getBytes(StandardCharsets.US_ASCII));
    }
    assertEquals(LabelList.read(plain).name(1), LabelList.read(packed).name(1));
    byte[] whole = Files.readAllBytes(packed);
    byte[] altered = whole.clone();
    altered[whole.length / 2] ^= 0x10;
    for (byte[] damaged : List.of(altered, Arrays.copyOf(whole, whole.length - 9))) {
      Files.write(packed, damaged);
      IOException thrown = assertThrows(IOException.class, () -> LabelList.read(packed));
      assertTrue(String.valueOf(thrown.getMessage()).startsWith(packed + " is a damaged gzip"));
    }
  }

  @ParameterizedTest(name = "{1}")
  @CsvSource(
      delimiter = '|',
      value = {
        "a.png 1 0 0 0 0 0 0 0 0 0 0 0 0          | 13 labels",
        "a.png 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0      | 15 labels",
        "a.png                                    | 0 labels",
        "a.png  1 0 0 0 0 0 0 0 0 0 0 0 0 0       | 15 labels",
        "a.png 1 0 2 0 0 0 0 0 0 0 0 0 0 0        | '2' for Effusion",
        "a.png 1 0 0 0 0 0 0 0 0 0 0 0 0 true     | 'true' for Hernia",
        "../a.png 1 0 0 0 0 0 0 0 0 0 0 0 0 0     | '../a.png'",
        "/a.png 1 0 0 0 0 0 0 0 0 0 0 0 0 0       | '/a.png'",
        "b\\a.png 1 0 0 0 0 0 0 0 0 0 0 0 0 0     | 'b\\a.png'",
        ".. 1 0 0 0 0 0 0 0 0 0 0 0 0 0           | '..'",
        "00000001_000.png 0 0 0 0 0 0 0 0 0 0 0 0 0 0 | a second time",
      })
  void parse_badLine_isNamedByFileAndNumber(String line, String found) {
    String message = refusal(GOOD + line + "\n" + OTHER);
    assertTrue(message.startsWith("list, line 2: found "), message);
    assertTrue(message.contains(found) && message.contains(", expected "), message);
  }

  @Test
  void parse_emptyLine_isNamed() {
    assertTrue(refusal(GOOD + "\n" + OTHER).startsWith("list, line 2: found the image name ''"));
  }

  @Test
  void parse_endlessLine_isRefused() {
    assertTrue(refusal("x".repeat(100_000)).contains("more than 512 bytes"));
  }

  @Test
  void parse_longName_isRefused() {
    assertTrue(refusal("x".repeat(256) + " 0".repeat(14)).contains("1 to 255"));
  }

  @Test
  void parse_nothing_isRefused() {
    assertTrue(refusal("").contains("found no lines"));
  }

  @Test
  void parse_mutatedList_isReadOrRefusedInOneWay() throws IOException {
    SplittableRandom random = new SplittableRandom(5);
    int refused = 0;
    for (int i = 0; i < 2000; i++) {
      byte[] bytes = (GOOD + OTHER).getBytes(StandardCharsets.US_ASCII);
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      try {
        assertTrue(LabelList.parse("list", new ByteArrayInputStream(bytes)).size() > 0);
      } catch (LabelListException e) {
        refused++;
      }
    }
    assertTrue(refused > 1000 && refused < 2000, refused + " of 2000 refused");
  }

  private static LabelList parse(String text) throws IOException, LabelListException {
    return LabelList.parse(
        "list", new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1)));
  }

  private static String refusal(String text) {
    return String.valueOf(assertThrows(LabelListException.class, () -> parse(text)).getMessage());
  }
}
