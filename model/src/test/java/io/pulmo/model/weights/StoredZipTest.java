package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredZipTest {
  private static final int CENTRAL = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int END_64 = 0x06064b50;
  private static final int END_64_LOCATOR = 0x07064b50;
  private static final int END_BYTES = 22;

  private final Path file;
  private final byte[] good;

  StoredZipTest(@TempDir Path directory) {
    file = directory.resolve("a.zip");
    SequencedMap<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("a/one", new byte[] {1, 2, 3});
    entries.put("a/two", new byte[] {4, 5});
    good = TestPth.zip(entries);
  }

  private List<String> names(byte[] zip) throws IOException, Malformed {
    Files.write(file, zip);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      StoredZip opened = StoredZip.open(channel);
      for (StoredZip.Entry entry : opened.entries().values()) {
        entry.check();
      }
      return List.copyOf(opened.entries().keySet());
    }
  }

  private void assertRefused(byte[] zip, String expected) {
    Malformed e = assertThrows(Malformed.class, () -> names(zip));
    assertTrue(String.valueOf(e.getMessage()).contains(expected), e::getMessage);
  }

  /** A copy with something changed: at a place in the central directory's entry of this number. */
  private byte[] altered(int entry, int at, int bytes, long value) {
    ByteBuffer copy = ByteBuffer.wrap(good.clone()).order(ByteOrder.LITTLE_ENDIAN);
    int place = 0;
    for (int found = -1; found < entry; place++) {
      found += copy.getInt(place) == CENTRAL ? 1 : 0;
    }
    for (int i = 0; i < bytes; i++) {
      copy.put(place - 1 + at + i, (byte) (value >> (8 * i)));
    }
    return copy.array();
  }

  @Test
  void open_storedEntries_areFound() throws IOException, Malformed {
    assertEquals(List.of("a/one", "a/two"), names(good));
  }

  @Test
  void open_zip64_isTheSame() throws IOException, Malformed {
    ByteBuffer end = ByteBuffer.wrap(good).order(ByteOrder.LITTLE_ENDIAN);
    int at = good.length - END_BYTES;
    ByteBuffer tail = ByteBuffer.wrap(new byte[56 + 20 + END_BYTES]).order(ByteOrder.LITTLE_ENDIAN);
    tail.putInt(END_64).putLong(44).putInt(0).putInt(0).putInt(0);
    tail.putLong(2).putLong(2).putLong(end.getInt(at + 12)).putLong(end.getInt(at + 16));
    tail.putInt(END_64_LOCATOR).putInt(0).putLong(at).putInt(1);
    tail.putInt(END).putInt(0).putShort((short) -1).putShort((short) -1);
    tail.putInt(-1).putInt(-1).putShort((short) 0);
    ByteArrayOutputStream zip = new ByteArrayOutputStream();
    zip.write(good, 0, at);
    zip.writeBytes(tail.array());
    assertEquals(List.of("a/one", "a/two"), names(zip.toByteArray()));
    byte[] astray = zip.toByteArray();
    astray[at + 56 + 8 + 7] = 0x7f;
    assertRefused(astray, "the zip64 directory's end lies at byte");
  }

  @Test
  void open_deflated_isRefused() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("a/bomb"));
      zip.write(new byte[1 << 20]);
    }
    assertRefused(bytes.toByteArray(), "a/bomb is packed (method 8");
  }

  @Test
  void open_sizesThatLie_areRefused() {
    assertRefused(
        altered(0, 20, 4, 100), "a/one is packed (method 0, flags 0x800, 3 bytes in 100)");
    byte[] both = altered(0, 20, 4, 1 << 30);
    ByteBuffer.wrap(both).order(ByteOrder.LITTLE_ENDIAN).putInt(indexOfCentral(both) + 24, 1 << 30);
    assertRefused(both, "a/one is said to lie at byte 0 with 1073741824 bytes");
    assertRefused(altered(0, 42, 4, 1 << 30), "lies at byte 1073741824");
    assertRefused(altered(0, 42, 4, 5), "no such entry is there");
    assertRefused(altered(0, 16, 4, 5), "a/one has checksum");
    assertRefused(altered(0, 8, 2, 1), "flags 0x1");
  }

  private static int indexOfCentral(byte[] zip) {
    ByteBuffer bytes = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; ; at++) {
      if (bytes.getInt(at) == CENTRAL) {
        return at;
      }
    }
  }

  @Test
  void open_entriesThatOverlapOrRepeat_areRefused() {
    byte[] longer = altered(0, 20, 4, 20);
    ByteBuffer.wrap(longer).order(ByteOrder.LITTLE_ENDIAN).putInt(indexOfCentral(longer) + 24, 20);
    assertRefused(longer, "within the entry before it");
    byte[] twice = good.clone();
    for (int at = 0; at < twice.length - 5; at++) {
      if (Arrays.equals(twice, at, at + 5, "a/two".getBytes(StandardCharsets.UTF_8), 0, 5)) {
        twice[at + 2] = 'o';
        twice[at + 3] = 'n';
        twice[at + 4] = 'e';
      }
    }
    assertRefused(twice, "two entries a/one");
    assertRefused(altered(1, 46, 1, 'b'), "says b/two where another name stands");
  }

  @Test
  void open_noDirectory_isCutOff() {
    assertRefused(Arrays.copyOf(good, good.length - 1), "cut off");
  }
}
