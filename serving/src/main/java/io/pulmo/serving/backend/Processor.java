package io.pulmo.serving.backend;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * A processor by its name and by what it can do, as Linux tells.
 *
 * @param name such as {@code AMD EPYC}; the machine's architecture where nothing tells it
 * @param flags such as {@code avx2} and {@code avx512_vnni}; empty where nothing tells them
 */
public record Processor(String name, Set<String> flags) {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final int MOST_LINES = 256;

  /** Instructions that add the products of bytes in 32 bits, by Linux' names. */
  private static final List<String> ADDS_IN_32_BITS =
      List.of("avx512_vnni", "avx_vnni", "amx_int8");

  /** What a user wants to know of the flags: the widths of vectors, and the short formats. */
  private static final List<String> TELLING =
      List.of(
          "avx2",
          "avx512f",
          "avx512_vnni",
          "avx_vnni",
          "amx_int8",
          "avx512_bf16",
          "amx_bf16",
          "avx512_fp16",
          "amx_fp16");

  /** Copies the flags. */
  public Processor {
    flags = Set.copyOf(flags);
  }

  /** The one that this runs on. */
  public static Processor here() {
    return read(CPU_INFO);
  }

  /**
   * What a file says that is written as Linux' {@code /proc/cpuinfo} is; of its first processor.
   */
  static Processor read(Path cpuInfo) {
    String name = System.getProperty("os.arch", "unknown");
    Set<String> flags = Set.of();
    try (BufferedReader lines = Files.newBufferedReader(cpuInfo)) {
      String line = lines.readLine();
      for (int i = 0; line != null && !line.isBlank() && i < MOST_LINES; i++) {
        int colon = line.indexOf(':');
        String value = line.substring(colon + 1).strip();
        switch (line.substring(0, Math.max(0, colon)).strip()) {
          case "model name" -> name = value;
          case "flags" -> flags = Set.of(value.split("\\s+"));
          default -> {}
        }
        line = lines.readLine();
      }
    } catch (IOException elsewhere) {
      // Not Linux: nothing is known, which is what the fields say.
    }
    return new Processor(name, flags);
  }

  /** The range of weights that it multiplies without clipping: half where nothing is known. */
  public WeightRange weightRange() {
    return ADDS_IN_32_BITS.stream().anyMatch(flags::contains) ? WeightRange.FULL : WeightRange.HALF;
  }

  /** Those of the flags that decide how fast a network runs. */
  public List<String> tellingFlags() {
    return TELLING.stream().filter(flags::contains).toList();
  }
}
