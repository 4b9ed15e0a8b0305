package io.pulmo.worker.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PulledImagesTest {

  private final Path dir;

  PulledImagesTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void put_beyondTheBound_evictsTheLeastRecentlyUsed() throws Exception {
    PulledImages images = PulledImages.open(folder(), 350);
    String one = put(images, 1);
    String two = put(images, 2);
    String three = put(images, 3);
    assertTrue(images.read(one).isPresent());
    String four = put(images, 4);
    assertEquals(300, images.bytes());
    assertFalse(images.read(two).isPresent());
    assertArrayEquals(content(1), images.read(one).orElseThrow());
    assertArrayEquals(content(3), images.read(three).orElseThrow());
    assertArrayEquals(content(4), images.read(four).orElseThrow());
    assertEquals(3, count());
  }

  @Test
  void put_largerThanAllRoom_keepsWhatIsThere() throws Exception {
    PulledImages images = PulledImages.open(folder(), 150);
    String one = put(images, 1);
    byte[] large = new byte[151];
    images.put(Digests.sha256(large), large);
    assertTrue(images.read(one).isPresent());
    assertEquals(1, count());
  }

  @Test
  void put_sameTwice_countsOnce() throws Exception {
    PulledImages images = PulledImages.open(folder(), 1000);
    put(images, 1);
    put(images, 1);
    assertEquals(100, images.bytes());
  }

  @Test
  void open_afterAKill_keepsWholeFilesAndRemovesParts() throws Exception {
    String one = put(PulledImages.open(folder(), 1000), 1);
    Files.write(folder().resolve(".part-123"), new byte[50]);
    PulledImages again = PulledImages.open(folder(), 1000);
    assertEquals(100, again.bytes());
    assertEquals(1, count());
    assertArrayEquals(content(1), again.read(one).orElseThrow());
  }

  @Test
  void open_smallerBound_evictsTheOldest() throws Exception {
    PulledImages images = PulledImages.open(folder(), 1000);
    String one = put(images, 1);
    String two = put(images, 2);
    Files.setLastModifiedTime(folder().resolve(two), FileTime.fromMillis(1_000_000));
    PulledImages again = PulledImages.open(folder(), 100);
    assertTrue(again.read(one).isPresent());
    assertFalse(again.read(two).isPresent());
  }

  @Test
  void read_damagedFile_isGone() throws Exception {
    PulledImages images = PulledImages.open(folder(), 1000);
    String one = put(images, 1);
    Files.write(folder().resolve(one), new byte[100]);
    assertFalse(images.read(one).isPresent());
    assertEquals(0, images.bytes());
    assertEquals(0, count());
  }

  @Test
  void delete_removesTheFolderAndKeepsNothingMore() throws Exception {
    PulledImages images = PulledImages.open(folder(), 1000);
    put(images, 1);
    images.delete();
    put(images, 2);
    assertEquals(0, images.bytes());
    assertFalse(Files.exists(folder()));
  }

  private Path folder() {
    return dir.resolve("images");
  }

  private long count() throws Exception {
    try (Stream<Path> all = Files.list(folder())) {
      return all.count();
    }
  }

  private static byte[] content(int seed) {
    byte[] content = new byte[100];
    new Random(seed).nextBytes(content);
    return content;
  }

  private static String put(PulledImages images, int seed) {
    String sha256 = Digests.sha256(content(seed));
    images.put(sha256, content(seed));
    return sha256;
  }
}
