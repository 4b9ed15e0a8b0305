package io.pulmo.serving.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TuningTest {
  private static final Tuning TUNING =
      new Tuning(
          1,
          "ab12",
          "AMD EPYC",
          2,
          "2026.4.1-1",
          Map.of(
              "fp32", new ExecutionPlan(2, 2, 4, true), "int8", new ExecutionPlan(5, 2, 4, false)));

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  Path folder;

  @Test
  void read_written_isTheSame() throws Exception {
    Path file = folder.resolve("1.tuning.json");
    assertEquals(Optional.empty(), Tuning.read(file));
    TUNING.write(file);
    assertEquals(Optional.of(TUNING), Tuning.read(file));
    assertEquals(
        new ExecutionPlan(2, 2, 4, true),
        Tuning.read(file).orElseThrow().plan(Mode.FP32).orElseThrow());
    assertEquals(Optional.empty(), TUNING.plan(Mode.TORCH));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"format\" : 1       | \"format\" : 2               | format is 2",
        "\"threads\" : 2      | \"threads\" : \"2\"          | Cannot",
        "\"threads\" : 2      | \"threads\" : 2.5            | Cannot",
        "\"threads\" : 2      | \"threads\" : 2, \"more\": 1 | more",
        "\"format\" : 1,      | \"format\" : 1, \"format\" : 1, | Duplicate",
        "\"format\" : 1,      | ''                           | format",
        "\"fp32\"             | \"torch\"                    | expected fp32 and int8",
        "\"fp32\"             | \"fp64\"                     | fp64",
        "\"requests\" : 4     | \"requests\" : 1             | requests is 1",
        "\"pinned\" : true    | \"pinned\" : null            | null",
      })
  void read_altered_isRefusedByName(String part, String other, String message) throws Exception {
    Path file = folder.resolve("1.tuning.json");
    TUNING.write(file);
    String json = Files.readString(file);
    assertTrue(json.contains(part), json);
    Files.writeString(file, json.replace(part, other));
    IOException thrown = assertThrows(IOException.class, () -> Tuning.read(file));
    String said = String.valueOf(thrown.getMessage());
    assertTrue(said.startsWith(file.toString()) && said.contains(message), said);
  }

  @Test
  void read_noFileOrTooLong_isRefused() throws Exception {
    assertThrows(IOException.class, () -> Tuning.read(folder));
    Path file = Files.write(folder.resolve("long"), new byte[1 << 17]);
    assertThrows(IOException.class, () -> Tuning.read(file));
    Files.writeString(file, "null");
    assertThrows(IOException.class, () -> Tuning.read(file));
  }

  @Test
  void staleFor_anythingElse_saysWhat() {
    assertEquals(Optional.empty(), TUNING.staleFor("ab12", "AMD EPYC", 2, "2026.4.1-1"));
    assertTrue(stale("cd", "AMD EPYC", 2, "2026.4.1-1").contains("the bundle ab12, here it is cd"));
    assertTrue(stale("ab12", "Xeon", 2, "2026.4.1-1").contains("the processor AMD EPYC"));
    assertTrue(stale("ab12", "AMD EPYC", 4, "2026.4.1-1").contains("threads 2, here it is 4"));
    assertTrue(stale("ab12", "AMD EPYC", 2, "2026.5").contains("OpenVINO"));
  }

  private static String stale(String bundle, String processor, int threads, String openVino) {
    return TUNING.staleFor(bundle, processor, threads, openVino).orElseThrow();
  }
}
