package io.pulmo.cli.download;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnpackingTest {
  private static final String GOOD = "images/00000001_000.png";

  private final Path folder;
  private final Path into;

  UnpackingTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    this.into = Files.createDirectories(folder.resolve("a/b/into"));
  }

  @Test
  void unpack_images_areWrittenByTheirLastName() throws IOException {
    Unpacking.Unpacked unpacked =
        unpack(
            new TarFile()
                .folder("images/")
                .file(GOOD, TarFile.image(1, 5000))
                .file("./images/b.png", TarFile.image(2, 8))
                .bytes());
    assertEquals(Map.of("00000001_000.png", 5000L, "b.png", 8L), unpacked.bytes());
    assertEquals(List.of(), unpacked.leftOut());
    assertArrayEquals(TarFile.image(1, 5000), Files.readAllBytes(into.resolve("00000001_000.png")));
    assertEquals(Set.of("00000001_000.png", "b.png"), written());
  }

  @Test
  void unpack_otherPlainFiles_areLeftOutAndTold() throws IOException {
    Unpacking.Unpacked unpacked =
        unpack(
            new TarFile()
                .file("README.txt", TarFile.text("read me"))
                .file("images/._00000001_000.png", TarFile.text("hidden"))
                .file("images/more/c.png", TarFile.image(3, 50))
                .file("images/a b.png", TarFile.image(3, 50))
                .file(GOOD, TarFile.image(1, 100))
                .bytes());
    assertEquals(
        List.of("README.txt", "images/._00000001_000.png", "images/more/c.png", "images/a b.png"),
        unpacked.leftOut());
    assertEquals(Set.of("00000001_000.png"), written());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../escaped.png",
        "images/../../escaped.png",
        "images/..",
        "/images/escaped.png",
        "//images/escaped.png",
        "images\\..\\escaped.png",
      })
  void unpack_pathThatLeadsElsewhere_refusesTheArchive(String path) throws IOException {
    byte[] archive =
        new TarFile().file(GOOD, TarFile.image(1, 100)).file(path, TarFile.image(2, 100)).bytes();
    String message = refusal(archive);
    assertTrue(message.contains(path) && message.contains("below the folder"), message);
    assertNothingOutside();
  }

  @Test
  void unpack_linksAndDevices_refuseTheArchive() throws IOException {
    for (TarFile file :
        List.of(
            new TarFile().link("images/a.png", true, "/etc/passwd"),
            new TarFile().link("images", true, "/tmp"),
            new TarFile().link("images/a.png", false, GOOD),
            new TarFile().device("images/a.png"))) {
      String message = refusal(file.file(GOOD, TarFile.image(1, 100)).bytes());
      assertTrue(message.contains("plain files and folders"), message);
    }
    assertNothingOutside();
  }

  @Test
  void unpack_fileThatIsNoPng_refusesTheArchive() throws IOException {
    for (byte[] content : List.of(TarFile.text("GIF89a-and-more"), new byte[0], new byte[3])) {
      assertTrue(refusal(new TarFile().file(GOOD, content).bytes()).contains("a PNG file"));
    }
  }

  @Test
  void unpack_imageTwice_refusesTheArchive() throws IOException {
    byte[] archive =
        new TarFile().file(GOOD, TarFile.image(1, 9)).file(GOOD, TarFile.image(2, 9)).bytes();
    assertTrue(refusal(archive).contains("00000001_000.png"));
  }

  @Test
  void unpack_entryThatIsTooLarge_isRefusedBeforeItIsWritten() throws IOException {
    for (long size : List.of(Unpacking.MAX_ENTRY_BYTES + 1, 8L << 30)) {
      byte[] header = TarFile.headerAlone(GOOD, size, TarConstants.LF_NORMAL);
      String message = refusal(TarFile.packed(header, TarFile.image(1, 1 << 16)));
      assertTrue(message.contains("not " + size), message);
    }
    assertEquals(Set.of(), written());
  }

  @Test
  void unpack_endlessName_isRefusedBeforeItFillsTheMemory() throws IOException {
    byte[] header =
        TarFile.headerAlone("././@LongLink", 4L << 30, TarConstants.LF_GNUTYPE_LONGNAME);
    String message = refusal(TarFile.packed(header, new byte[4 << 20]));
    assertTrue(message.contains("headers of more than"), message);
  }

  @Test
  void unpack_paddingWithoutEnd_isRefused() throws IOException {
    byte[] tar = unpacked(new TarFile().file(GOOD, TarFile.image(1, 100)).bytes());
    String message = refusal(TarFile.packed(tar, new byte[4 << 20]));
    assertTrue(message.contains("headers of more than"), message);
  }

  @Test
  void unpack_archiveWithoutImages_isRefused() throws IOException {
    assertTrue(refusal(new TarFile().folder("images/").bytes()).contains("no file images/"));
    assertTrue(refusal(TarFile.text("not a gzip file")).contains("damaged gzip"));
    assertTrue(refusal(new byte[0]).contains("damaged gzip"));
  }

  @Test
  void unpack_truncatedAnywhere_isRefused() throws IOException {
    byte[] whole = TarFile.ofImages(1, 3, 2000);
    for (int length = 0; length < whole.length; length += 97) {
      refusal(Arrays.copyOf(whole, length));
    }
    refusal(Arrays.copyOf(whole, whole.length - 1));
    byte[] tar = unpacked(whole);
    refusal(TarFile.packed(Arrays.copyOf(tar, 1500)));
  }

  @Test
  void unpack_mutatedArchive_isUnpackedOrRefusedInOneWay() throws IOException {
    SplittableRandom random = new SplittableRandom(11);
    byte[] tar =
        unpacked(
            new TarFile()
                .folder("images/")
                .file("images/" + "n".repeat(150) + ".png", TarFile.image(1, 40))
                .file(GOOD, TarFile.image(2, 40))
                .bytes());
    int refused = 0;
    int runs = Boolean.getBoolean("pulmo.long") ? 50_000 : 800;
    for (int i = 0; i < runs; i++) {
      byte[] mutated = tar.clone();
      // Within a header, whose checksum is mended in half of them.
      int header = 512 * random.nextInt(8);
      mutated[header + random.nextInt(512)] = (byte) random.nextInt(256);
      if (i % 2 == 0) {
        mendChecksum(mutated, header);
      }
      try {
        unpack(TarFile.packed(mutated));
      } catch (IOException e) {
        refused++;
      }
      assertNothingOutside();
    }
    assertTrue(refused > runs / 10 && refused < runs, refused + " of " + runs + " refused");
  }

  private static void mendChecksum(byte[] tar, int header) {
    Arrays.fill(tar, header + 148, header + 156, (byte) ' ');
    int sum = 0;
    for (int i = 0; i < 512; i++) {
      sum += tar[header + i] & 0xFF;
    }
    byte[] text = TarFile.text(String.format(Locale.ROOT, "%06o\0 ", sum));
    System.arraycopy(text, 0, tar, header + 148, text.length);
  }

  private Unpacking.Unpacked unpack(byte[] archive) throws IOException {
    for (String name : written()) {
      Files.delete(into.resolve(name));
    }
    Path file = Files.write(folder.resolve("a.tar.gz"), archive);
    return Unpacking.unpack(file, into, images -> {});
  }

  private String refusal(byte[] archive) {
    return String.valueOf(assertThrows(IOException.class, () -> unpack(archive)).getMessage());
  }

  private static byte[] unpacked(byte[] gzip) throws IOException {
    return new GZIPInputStream(new ByteArrayInputStream(gzip)).readAllBytes();
  }

  private Set<String> written() throws IOException {
    try (var files = Files.list(into)) {
      Set<String> names = new TreeSet<>();
      files.forEach(file -> names.add(file.getFileName().toString()));
      return names;
    }
  }

  private void assertNothingOutside() throws IOException {
    try (var files = Files.walk(folder)) {
      assertEquals(
          List.of(),
          files
              .filter(
                  file ->
                      !file.startsWith(into)
                          && Files.isRegularFile(file)
                          && !file.equals(folder.resolve("a.tar.gz")))
              .toList());
    }
  }
}
