package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsFuzzTest {
  private static final long SEED = Long.getLong("pulmo.seed", 20_261);
  private static final int COUNT = Boolean.getBoolean("pulmo.long") ? 20_000 : 2_000;
  private static final String HEAP = "-Xmx128m";

  @Test
  void read_mutatedFiles_areReadOrRefusedWithinAHeapOf128MiB(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                HEAP,
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                WeightsFuzz.class.getName(),
                Long.toString(SEED),
                Integer.toString(COUNT),
                folder.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(15, TimeUnit.MINUTES);
    process.destroyForcibly();
    String output = Files.readString(log);
    System.out.print(output);
    assertTrue(ended && process.exitValue() == 0, output);
    assertTrue(output.contains(COUNT + " files"), output);
  }
}
