package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ImageFuzzTest {
  private static final int FILES = 5_000;
  private static final int FILES_OF_A_LONG_RUN = 100_000;
  private static final long SEED = 20_261_124;
  private static final Pattern OUTCOME =
      Pattern.compile("(?m)^(.*JPEG|PNG): (\\d+) answers, (\\d+) errors$");

  @Test
  void decode_mutatedFiles_answersOrRefusesInLittleMemoryAndTime() throws Exception {
    int files = Boolean.getBoolean("pulmo.long") ? FILES_OF_A_LONG_RUN : FILES;
    Process child =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    ImageFuzz.HEAP,
                    "-cp",
                    System.getProperty("java.class.path"),
                    ImageFuzz.class.getName(),
                    Integer.toString(files),
                    Long.toString(SEED)))
            .redirectErrorStream(true)
            .start();
    String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, child.waitFor(), said);
    System.out.print(said);
    Matcher outcomes = OUTCOME.matcher(said);
    int formats = 0;
    int sum = 0;
    while (outcomes.find()) {
      int answers = Integer.parseInt(outcomes.group(2));
      int errors = Integer.parseInt(outcomes.group(3));
      sum += answers + errors;
      boolean inks = outcomes.group(1).contains("CMYK");
      // Some mutations do no harm, and most do; else they would test little.
      assertTrue(errors > 0 && (inks ? answers * 2 < errors : answers * 20 > errors), said);
      formats++;
    }
    assertEquals(5, formats, said);
    assertEquals(files, sum, said);
  }
}
