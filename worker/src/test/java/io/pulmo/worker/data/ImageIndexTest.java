package io.pulmo.worker.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.data.ImageManifest;
import io.pulmo.model.image.ImageLimits;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ImageIndexTest {
  private static final FileTime WRITTEN = FileTime.from(Instant.parse("2026-01-02T03:04:05Z"));

  private final Path dir;
  private final Path images;
  private final Path caches;
  private InstantSource clock = InstantSource.fixed(Instant.parse("2026-01-03T00:00:00Z"));

  ImageIndexTest(@TempDir Path dir) throws Exception {
    this.dir = dir;
    images = Files.createDirectory(dir.resolve("images"));
    caches = dir.resolve("hashes");
  }

  @Test
  void build_someImages_tellsSizesHashesAndWhatIsMissing() throws Exception {
    write("a.png", "abc");
    write("c.png", "");
    Files.createDirectory(images.resolve("d.png"));
    ImageManifest manifest = index("a.png", "b.png", "c.png", "d.png");
    assertEquals(
        "3 bytes, SHA-256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        manifest.describe(0));
    assertFalse(manifest.holds(1));
    assertEquals(
        "0 bytes, SHA-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        manifest.describe(2));
    assertFalse(manifest.holds(3));
    assertEquals(2, manifest.missing());
  }

  @Test
  void build_noFolder_holdsNothing() throws Exception {
    for (Optional<Path> none : List.of(Optional.<Path>empty(), Optional.of(dir.resolve("none")))) {
      assertEquals(1, ImageIndex.build(none, List.of("a.png"), caches, clock).manifest().missing());
    }
  }

  @Test
  void build_manyImages_equalsWhatOneThreadComputes() throws Exception {
    List<String> names = IntStream.range(0, 500).mapToObj(i -> i + ".png").toList();
    ImageManifest.Draft expected = new ImageManifest.Draft(names.size());
    for (int i = 0; i < names.size(); i++) {
      if (i % 7 != 0) {
        write(names.get(i), "image " + i);
        byte[] bytes = utf8("image " + i);
        expected.put(i, bytes.length, Digests.sha256().digest(bytes));
      }
    }
    byte[] encoded = expected.finish().encoded();
    for (int run = 0; run < 2; run++) {
      assertArrayEquals(
          encoded,
          ImageIndex.build(Optional.of(images), names, caches, clock).manifest().encoded());
    }
  }

  @Test
  void build_again_readsNoFileWhoseSizeAndTimeStay() throws Exception {
    write("a.png", "abc");
    String first = index("a.png").sha256(0);
    // Other bytes of the same size and time: only whoever reads them can tell.
    write("a.png", "xyz");
    assertEquals(first, index("a.png").sha256(0));
  }

  @Test
  void build_changedFile_isHashedAnew() throws Exception {
    write("a.png", "abc");
    String first = index("a.png").sha256(0);
    write("a.png", "abcd");
    assertEquals(Digests.sha256(utf8("abcd")), index("a.png").sha256(0));
    write("a.png", "xbcd");
    Files.setLastModifiedTime(images.resolve("a.png"), FileTime.fromMillis(1_000_000));
    assertEquals(Digests.sha256(utf8("xbcd")), index("a.png").sha256(0));
    Files.delete(images.resolve("a.png"));
    assertFalse(index("a.png").holds(0));
    write("a.png", "abc");
    assertEquals(first, index("a.png").sha256(0));
  }

  @Test
  void build_fileAsYoungAsItsHash_isHashedAgain() throws Exception {
    clock = InstantSource.fixed(WRITTEN.toInstant().plusMillis(1_500));
    write("a.png", "abc");
    index("a.png");
    write("a.png", "xyz");
    assertEquals(Digests.sha256(utf8("xyz")), index("a.png").sha256(0));
  }

  @Test
  void build_cacheDamagedAnywhere_computesAgain() throws Exception {
    write("a.png", "abc");
    write("b.png", "defg");
    byte[] right = index("a.png", "b.png").encoded();
    Path cache = onlyCache();
    byte[] whole = Files.readAllBytes(cache);
    // Whoever believed a damaged cache would believe these.
    write("a.png", "cba");
    write("b.png", "gfed");
    byte[] now =
        ImageIndex.build(Optional.of(images), List.of("a.png", "b.png"), dir.resolve("c2"), clock)
            .manifest()
            .encoded();
    assertFalse(Arrays.equals(right, now));
    for (int at = 0; at < whole.length; at++) {
      byte[] bad = whole.clone();
      bad[at] ^= 0x40;
      Files.write(cache, bad);
      assertArrayEquals(now, index("a.png", "b.png").encoded(), "byte " + at);
      Files.write(cache, Arrays.copyOf(whole, at));
      assertArrayEquals(now, index("a.png", "b.png").encoded(), "length " + at);
    }
    Files.write(cache, whole);
    assertArrayEquals(right, index("a.png", "b.png").encoded());
  }

  @Test
  void build_cacheCannotBeWritten_isNoError() throws Exception {
    write("a.png", "abc");
    Files.writeString(caches, "a file in the folder's place");
    assertTrue(index("a.png").holds(0));
  }

  @Test
  void build_fileTooLarge_isAsIfItWereNotThere() throws Exception {
    try (RandomAccessFile file = new RandomAccessFile(images.resolve("a.png").toFile(), "rw")) {
      file.setLength(ImageLimits.MAX_FILE_BYTES + 1L);
    }
    assertFalse(index("a.png").holds(0));
  }

  @Test
  void build_interrupted_endsSoon() throws Exception {
    write("a.png", "abc");
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> index("a.png"));
  }

  @Test
  void build_twoFolders_keepTheirHashesApart() throws Exception {
    write("a.png", "abc");
    index("a.png");
    Path other = Files.createDirectory(dir.resolve("other"));
    Files.writeString(other.resolve("a.png"), "xyz");
    Files.setLastModifiedTime(other.resolve("a.png"), WRITTEN);
    assertEquals(
        Digests.sha256(utf8("xyz")),
        ImageIndex.build(Optional.of(other), List.of("a.png"), caches, clock).manifest().sha256(0));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void write(String name, String content) throws Exception {
    Path file = images.resolve(name);
    Files.writeString(file, content);
    Files.setLastModifiedTime(file, WRITTEN);
  }

  private ImageManifest index(String... names) throws Exception {
    return ImageIndex.build(Optional.of(images), List.of(names), caches, clock).manifest();
  }

  private Path onlyCache() throws Exception {
    try (Stream<Path> all = Files.list(caches)) {
      List<Path> files = all.toList();
      assertEquals(1, files.size(), files::toString);
      return files.getFirst();
    }
  }
}
