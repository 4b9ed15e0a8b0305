package io.pulmo.worker.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kills a process that keeps what it pulls, at random instants. */
@Timeout(600)
class PullKillTest {
  private static final int BYTES = 8 << 20;
  private static final long BOUND = 5L * BYTES;
  private static final long LATEST_NANOS = 40_000_000;

  @Test
  void put_killedAtAnyInstant_leavesNoHalfFile(@TempDir Path dir) throws Exception {
    int kills = Boolean.getBoolean("pulmo.long") ? 100 : 3;
    long seed = 20261124;
    Random random = new Random(seed);
    Path folder = dir.resolve("images");
    for (int i = 0; i < kills; i++) {
      kill(folder, random.nextInt((int) LATEST_NANOS));
      // As they lie: whatever has an image's name is that image.
      for (Path file : files(folder)) {
        String name = String.valueOf(file.getFileName());
        if (!name.startsWith(".part-")) {
          assertEquals(name, Digests.sha256(Files.readAllBytes(file)), "kill " + i);
        }
      }
      PulledImages again = PulledImages.open(folder, BOUND);
      assertTrue(again.bytes() <= BOUND);
      List<Path> kept = files(folder);
      assertFalse(kept.isEmpty(), "nothing was written before kill " + i);
      assertEquals(again.bytes(), (long) kept.size() * BYTES, "kill " + i);
    }
  }

  private static void kill(Path folder, long afterNanos) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Puller.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      assertEquals("pulled", lines.readLine());
      LockSupport.parkNanos(afterNanos);
      process.destroyForcibly().waitFor();
    }
  }

  private static List<Path> files(Path folder) throws Exception {
    try (Stream<Path> all = Files.list(folder)) {
      return all.toList();
    }
  }

  /** Keeps images until it is killed. */
  static final class Puller {
    private Puller() {}

    public static void main(String[] args) throws Exception {
      PulledImages images = PulledImages.open(Path.of(args[0]), BOUND);
      Random random = new Random();
      byte[] content = new byte[BYTES];
      random.nextBytes(content);
      while (true) {
        content[random.nextInt(BYTES)]++;
        images.put(Digests.sha256(content), content);
        System.out.println("pulled");
      }
    }
  }
}
