package io.pulmo.serving.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProcessorTest {
  private static final String TWO_PROCESSORS =
      """
      processor\t: 0
      vendor_id\t: GenuineIntel
      model name\t: A Processor: 2 GHz
      flags\t\t: fpu avx2 avx512f %s sse

      processor\t: 1
      model name\t: Another
      flags\t\t: fpu
      """;

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  Path folder;

  private Processor read(String text) throws Exception {
    return Processor.read(Files.writeString(folder.resolve("cpuinfo"), text));
  }

  @ParameterizedTest
  @CsvSource({
    "avx512_vnni, FULL",
    "avx_vnni, FULL",
    "amx_int8, FULL",
    "avx512_bf16, HALF",
    "avx512_vnnix, HALF",
  })
  void weightRange_flags_isFullWhereProductsAreAddedIn32Bits(String flag, WeightRange expected)
      throws Exception {
    assertEquals(expected, read(TWO_PROCESSORS.formatted(flag)).weightRange());
  }

  @Test
  void read_twoProcessors_tellsTheFirst() throws Exception {
    Processor processor = read(TWO_PROCESSORS.formatted("avx512_vnni"));
    assertEquals("A Processor: 2 GHz", processor.name());
    assertEquals(Set.of("fpu", "avx2", "avx512f", "avx512_vnni", "sse"), processor.flags());
    assertEquals(List.of("avx2", "avx512f", "avx512_vnni"), processor.tellingFlags());
  }

  @Test
  void read_nothingToldOrNoFile_isHalfRange() throws Exception {
    assertEquals(WeightRange.HALF, read("no colon here\nCPU part\t: 0xd0c\n").weightRange());
    Processor elsewhere = Processor.read(folder.resolve("missing"));
    assertEquals(WeightRange.HALF, elsewhere.weightRange());
    assertEquals(Set.of(), elsewhere.flags());
    assertFalse(elsewhere.name().isEmpty());
  }

  @Test
  void options_rangeForced_isUsedWhateverTheProcessor() {
    Processor without = new Processor("old", Set.of());
    BackendOptions options = new BackendOptions(without, Optional.empty(), 1, Optional.empty());
    assertEquals(WeightRange.HALF, options.weightRange());
    assertEquals(
        WeightRange.FULL, options.withForcedRange(Optional.of(WeightRange.FULL)).weightRange());
  }
}
