package io.pulmo.worker.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.view.Label;
import io.pulmo.worker.checkpoint.CheckpointFolder.Held;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFolderTest {
  private static final int PIECE_BYTES = 1000;

  private final Path folder;

  CheckpointFolderTest(@TempDir Path temporary) {
    folder = temporary.resolve("checkpoints");
  }

  private CheckpointFolder folder(int keep) throws IOException {
    return new CheckpointFolder(folder, States.TINY, "tiny", "job-1", keep);
  }

  private static TrainingState state(int steps) {
    TrainingState state = States.start(States.TINY);
    States.train(state, steps);
    return state;
  }

  private static Held write(CheckpointFolder into, long view, TrainingState state)
      throws IOException {
    Snapshot snapshot = new Snapshot(state, Arena.ofAuto());
    snapshot.take(new Label(view, state.step()), state);
    return into.write(snapshot);
  }

  /** The state with a best epoch of that score, as a training that has it would hold it. */
  private static TrainingState scored(int steps, int epoch, double auc) throws IOException {
    TrainingState state = state(steps);
    SequencedMap<String, float[]> arrays = new LinkedHashMap<>(state.arrays());
    String header =
        new String(state.header(), StandardCharsets.UTF_8)
            .replace(
                "\"best_epoch\":-1,\"best_auc\":\"NaN\"",
                "\"best_epoch\":%d,\"best_auc\":\"%s\"".formatted(epoch, auc));
    return TrainingState.read(header.getBytes(StandardCharsets.UTF_8), arrays);
  }

  @Test
  void load_ofWhatWasWritten_isTheStateBitForBit() throws IOException {
    CheckpointFolder checkpoints = folder(3);
    TrainingState state = state(7);
    state.enter(4, 2, state.ledger().spans().getFirst().parts(), List.of());
    Held held = write(checkpoints, 4, state);
    assertEquals(state.digest(), held.published().digest());
    assertEquals(new Label(4, 7), held.published().label());
    assertEquals(Files.size(held.path()), held.bytes());
    TrainingState loaded = checkpoints.load(held.published().sha256());
    assertEquals(state.digest(), loaded.digest());
    assertArrayEquals(state.header(), loaded.header());
    States.train(state, 3);
    States.train(loaded, 3);
    assertEquals(state.digest(), loaded.digest());
    // The same state again is the same file.
    assertEquals(held, write(checkpoints, 4, checkpoints.load(held.published().sha256())));
  }

  @Test
  void load_anyByteFlippedOrAnyEndCutOff_isDetected() throws IOException {
    CheckpointFolder checkpoints = folder(3);
    Held held = write(checkpoints, 1, state(2));
    String sha256 = held.published().sha256();
    byte[] right = Files.readAllBytes(held.path());
    int detected = 0;
    try (FileChannel channel = FileChannel.open(held.path(), StandardOpenOption.WRITE)) {
      for (int at = 0; at < right.length; at++) {
        byte flipped = (byte) (right[at] ^ (1 << (at % Byte.SIZE)));
        channel.write(ByteBuffer.wrap(new byte[] {flipped}), at);
        assertThrows(IOException.class, () -> checkpoints.load(sha256));
        channel.write(ByteBuffer.wrap(right, at, 1), at);
        detected++;
      }
      assertEquals(state(2).digest(), checkpoints.load(sha256).digest());
      for (int length = right.length - 1; length > 0; length -= 97) {
        channel.truncate(length);
        assertThrows(IOException.class, () -> checkpoints.load(sha256));
      }
    }
    assertEquals(right.length, detected);
  }

  @Test
  void good_corruptAndForeignFiles_areLeftOut() throws IOException {
    CheckpointFolder checkpoints = folder(9);
    Held first = write(checkpoints, 1, state(1));
    Held second = write(checkpoints, 1, state(2));
    Held restored = write(checkpoints, 2, state(1));
    Files.writeString(folder.resolve("step-00000009.safetensors"), "of another tool");
    Files.writeString(folder.resolve("step-00000009-view-9-beef.safetensors"), "cut name");
    assertEquals(List.of(restored, second, first), checkpoints.good(9));
    assertEquals(List.of(restored, second), checkpoints.good(2));
    byte[] bytes = Files.readAllBytes(restored.path());
    Files.write(restored.path(), Arrays.copyOf(bytes, bytes.length / 2));
    assertEquals(List.of(second, first), checkpoints.good(9));
    assertThrows(IOException.class, () -> checkpoints.load(restored.published().sha256()));
    assertThrows(IOException.class, () -> checkpoints.load("0".repeat(64)));
  }

  @Test
  void write_moreThanAreKept_leavesNewestBestAndPinned() throws IOException {
    CheckpointFolder checkpoints = folder(2);
    Held old = write(checkpoints, 1, scored(1, 0, 0.5));
    Held pinned = write(checkpoints, 1, scored(2, 0, 0.5));
    checkpoints.pin(Set.of(pinned.published().sha256()));
    List<Held> maybePublished = new ArrayList<>();
    for (int step = 3; step <= 6; step++) {
      maybePublished.add(write(checkpoints, 1, scored(step, 0, 0.5)));
    }
    Held best = write(checkpoints, 1, scored(7, 1, 0.75));
    Held superfluous = write(checkpoints, 1, scored(8, 1, 0.75));
    write(checkpoints, 1, scored(9, 1, 0.75));
    Held last = write(checkpoints, 2, scored(8, 1, 0.75));
    assertFalse(Files.exists(superfluous.path()));
    List<Held> good = checkpoints.good(99);
    assertEquals(last, good.getFirst());
    assertTrue(good.containsAll(maybePublished));
    assertTrue(good.containsAll(List.of(pinned, best)));
    // The oldest has the score of its epoch, but that is not the best any more.
    assertFalse(good.contains(old));

    checkpoints.pin(Set.of(last.published().sha256()));
    write(checkpoints, 3, scored(10, 1, 0.75));
    assertFalse(Files.exists(pinned.path()));
    assertTrue(Files.exists(best.path()));
    assertEquals(3, checkpoints.good(99).size());
  }

  @Test
  void open_leftoversOfAKilledWriter_areRemoved() throws IOException {
    Held held = write(folder(2), 1, state(1));
    Files.write(folder.resolve(".draft-1234"), new byte[100]);
    assertEquals(List.of(held), folder(2).good(9));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(held.path()), files.toList());
    }
  }

  @Test
  void receive_ofAPeersFile_isTheSameCheckpoint() throws Exception {
    Held held = write(folder(2), 5, state(3));
    byte[] bytes = Files.readAllBytes(held.path());
    CheckpointFolder other =
        new CheckpointFolder(folder.resolve("other"), States.TINY, "tiny", "job-1", 2);
    String sha256 = held.published().sha256();
    Held received = other.receive(sha256, pieces(bytes));
    assertEquals(held.published(), received.published());
    assertEquals(state(3).digest(), other.load(sha256).digest());
    assertArrayEquals(bytes, Files.readAllBytes(received.path()));
  }

  @Test
  void receive_ofSomethingElse_isRefusedAndLeavesNothing() throws Exception {
    Held held = write(folder(2), 5, state(3));
    byte[] bytes = Files.readAllBytes(held.path());
    CheckpointFolder other =
        new CheckpointFolder(folder.resolve("other"), States.TINY, "tiny", "job-1", 2);
    String sha256 = held.published().sha256();
    byte[] altered = bytes.clone();
    altered[altered.length / 2] ^= 1;
    List<byte[]> wrong =
        List.of(altered, Arrays.copyOf(bytes, bytes.length - 1), new byte[0], new byte[6 << 20]);
    for (byte[] bad : wrong) {
      assertThrows(IOException.class, () -> other.receive(sha256, pieces(bad)));
    }
    try (Stream<Path> files = Files.list(other.path())) {
      assertEquals(0, files.count());
    }
  }

  private static CheckpointFolder.Pieces pieces(byte[] bytes) {
    List<byte[]> all = new ArrayList<>();
    for (int at = 0; at < bytes.length; at += PIECE_BYTES) {
      all.add(Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + PIECE_BYTES)));
    }
    Iterator<byte[]> next = all.iterator();
    return () -> next.hasNext() ? next.next() : null;
  }
}
