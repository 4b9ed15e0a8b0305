package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredArrayTest {
  private final Path file;

  StoredArrayTest(@TempDir Path directory) throws IOException {
    file = directory.resolve("numbers");
    byte[] halves = new byte[64];
    for (int i = 0; i < halves.length / 2; i++) {
      short bits = Float.floatToFloat16(i);
      halves[2 * i] = (byte) bits;
      halves[2 * i + 1] = (byte) (bits >> 8);
    }
    Files.write(file, halves);
  }

  private float[] read(List<Integer> shape, List<Long> strides) throws IOException, Malformed {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return new StoredArray(channel, 4, ElementType.HALF, shape, strides, () -> {})
          .read()
          .values();
    }
  }

  @Test
  void read_anyStrides_areFollowed() throws IOException, Malformed {
    assertArrayEquals(new float[] {2, 3, 4, 5}, read(List.of(2, 2), List.of(2L, 1L)));
    assertArrayEquals(new float[] {2, 4, 3, 5}, read(List.of(2, 2), List.of(1L, 2L)));
    assertArrayEquals(new float[] {2, 2, 2}, read(List.of(3), List.of(0L)));
    assertArrayEquals(new float[] {2, 9, 16}, read(List.of(3, 1), List.of(7L, 999L)));
    assertArrayEquals(new float[] {2}, read(List.of(), List.of()));
    assertArrayEquals(new float[0], read(List.of(3, 0), List.of(1L, 1L)));
  }

  @Test
  void read_scatteredArray_isRefusedBeforeItIsRead() {
    Malformed e =
        assertThrows(Malformed.class, () -> read(List.of(2), List.of(1_000_000_000_000L)));
    assertTrue(
        String.valueOf(e.getMessage()).contains("scattered over 1000000000001 elements"),
        e::getMessage);
  }
}
