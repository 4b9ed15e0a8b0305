package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.coordinator.FakeClock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlobStoreTest {
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  private final Path folder;

  BlobStoreTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private long files() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).count();
    }
  }

  @Test
  void blob_isThereOnceFinished_andNotBefore() throws Exception {
    BlobStore store = new BlobStore(folder);
    try (BlobStore.Incoming incoming = store.receive(ABC, 3)) {
      incoming.write(bytes("ab"));
      incoming.write(bytes("c"));
      assertEquals(OptionalLong.empty(), store.size(ABC));
      incoming.finish();
    }
    assertEquals(OptionalLong.of(3), store.size(ABC));
    assertEquals(OptionalLong.of(3), new BlobStore(folder).size(ABC));
    assertEquals("abc", Files.readString(folder.resolve("ba").resolve(ABC)));
  }

  @Test
  void blob_ofOtherBytesThanAnnounced_leavesNothing() throws Exception {
    BlobStore store = new BlobStore(folder);
    try (BlobStore.Incoming incoming = store.receive(ABC, 3)) {
      incoming.write(bytes("abd"));
      assertThrows(IllegalArgumentException.class, incoming::finish);
    }
    try (BlobStore.Incoming incoming = store.receive(ABC, 3)) {
      incoming.write(bytes("ab"));
      assertThrows(IllegalArgumentException.class, incoming::finish);
    }
    try (BlobStore.Incoming incoming = store.receive(ABC, 3)) {
      assertThrows(IllegalArgumentException.class, () -> incoming.write(bytes("abcd")));
    }
    assertEquals(0, files());
  }

  @Test
  void blob_thatTheDiskCannotHold_isRefusedBeforeItsFirstByte() throws Exception {
    BlobStore store = new BlobStore(folder);
    IOException full = assertThrows(IOException.class, () -> store.receive(ABC, 1L << 60));
    assertTrue(String.valueOf(full.getMessage()).contains("no room"), full.getMessage());
    assertEquals(0, files());
  }

  private static void store(BlobStore store) throws IOException {
    try (BlobStore.Incoming incoming = store.receive(ABC, 3)) {
      incoming.write(bytes("abc"));
      incoming.finish();
    }
  }

  @Test
  void room_promisedToOneBlob_isNotGivenToAnother() throws Exception {
    FakeClock clock = new FakeClock();
    BlobStore store = new BlobStore(folder, clock, () -> (128L << 20) + 5);
    try (BlobStore.Incoming first = store.receive(ABC, 3)) {
      NoRoomException full = assertThrows(NoRoomException.class, () -> store.receive(ABC, 3));
      assertTrue(String.valueOf(full.getMessage()).contains("3 are promised"), full.getMessage());
      first.write(bytes("ab"));
      // What is written is no longer promised: the disk counts it now.
      store.receive(ABC, 4).close();
    }
    store.receive(ABC, 5).close();
    assertThrows(NoRoomException.class, () -> store.receive(ABC, 6));
  }

  @Test
  void blob_thatNobodyRefersTo_goesAfterADay_countedFromTheLastTouch() throws Exception {
    FakeClock clock = new FakeClock();
    BlobStore store = new BlobStore(folder, clock, () -> 1L << 40);
    store(store);
    clock.advance(Duration.ofHours(23));
    assertEquals(0, store.collect(Set.of()));
    assertTrue(store.touch(ABC));
    clock.advance(Duration.ofHours(23));
    assertEquals(0, store.collect(Set.of()));
    clock.advance(Duration.ofHours(2));
    assertEquals(0, store.collect(Set.of(ABC)));
    assertEquals(OptionalLong.of(3), store.size(ABC));
    assertEquals(1, store.collect(Set.of()));
    assertEquals(OptionalLong.empty(), store.size(ABC));
    assertFalse(store.touch(ABC));
  }

  @Test
  void blob_onItsWayIn_isNeverCollected() throws Exception {
    FakeClock clock = new FakeClock();
    BlobStore store = new BlobStore(folder, clock, () -> 1L << 40);
    try (BlobStore.Incoming incoming = store.receive(ABC, 3)) {
      incoming.write(bytes("ab"));
      clock.advance(Duration.ofDays(3));
      assertEquals(0, store.collect(Set.of()));
      incoming.write(bytes("c"));
      incoming.finish();
      assertEquals(0, store.collect(Set.of()));
    }
    assertEquals(OptionalLong.of(3), store.size(ABC));
  }

  @Test
  void parts_ofAnEarlierProcess_areDropped() throws Exception {
    BlobStore store = new BlobStore(folder);
    try (BlobStore.Incoming halfWay = store.receive(ABC, 3)) {
      halfWay.write(bytes("ab"));
      assertEquals(1, files());
      assertEquals(OptionalLong.empty(), new BlobStore(folder).size(ABC));
      assertEquals(0, files());
    }
  }

  @Test
  void names_thatAreNoSha256_areRefused() throws Exception {
    BlobStore store = new BlobStore(folder);
    assertEquals(OptionalLong.empty(), store.size("../../etc/passwd"));
    assertThrows(IllegalArgumentException.class, () -> store.receive("../x", 1));
  }
}
