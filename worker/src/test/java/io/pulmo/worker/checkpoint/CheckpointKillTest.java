package io.pulmo.worker.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pulmo.worker.train.TrainingState;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Writers of checkpoints as processes of their own, that are killed or run out of disk. */
@Timeout(5400)
class CheckpointKillTest {
  private static final int KILLS = Boolean.getBoolean("pulmo.long") ? 500 : 100;
  private static final int MOST_MICROS_TO_LIVE = 250_000;
  private static final long SEED = 20260801;

  private final Path temporary;

  CheckpointKillTest(@TempDir Path temporary) {
    this.temporary = temporary;
  }

  private static Process start(List<String> before, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(before);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xshare:auto",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            System.getProperty("java.class.path"),
            CheckpointVictim.class.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  @Test
  void killedAtRandom_aValidCheckpointIsThereAndTrainingGoesOnBitForBit() throws Exception {
    Path folder = temporary.resolve("checkpoints");
    Random random = new Random(SEED);
    TrainingState undisturbed = States.start(States.TINY);
    long newest = 0;
    int halfWritten = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      Process victim = start(List.of(), folder.toString());
      List<String> lines = new ArrayList<>();
      try (BufferedReader out = victim.inputReader()) {
        String line = out.readLine();
        lines.add(String.valueOf(line));
        if (kill == 0) {
          // There is nothing to find before the first is complete.
          lines.add(out.readLine());
        }
        LockSupport.parkNanos(1000L * random.nextInt(MOST_MICROS_TO_LIVE));
        // Not the process itself, which would close what it has said. This is SIGKILL.
        victim.toHandle().destroyForcibly();
        out.lines().forEach(lines::add);
      }
      assertTrue(victim.waitFor(10, TimeUnit.SECONDS));
      halfWritten += drafts(folder);
      for (String line : lines) {
        String[] words = line.split(" ", -1);
        assertTrue(
            words.length == 3 && (words[0].equals("found") || words[0].equals("held")), line);
        long step = Long.parseLong(words[1]);
        // What was told is on the disk: the next one finds it, or the one that was under way.
        assertTrue(
            step == newest || step == newest + 1,
            () -> "seed " + SEED + ": " + lines + " after " + undisturbed.step());
        States.train(undisturbed, (int) (step - undisturbed.step()));
        assertEquals(undisturbed.digest(), words[2], line);
        newest = step;
      }
    }
    System.out.println(
        "%d kills, %d of them in a write, %d steps".formatted(KILLS, halfWritten, newest));
    assertTrue(halfWritten > KILLS / 20, () -> "too few kills fell into a write: choose others");
  }

  private static int drafts(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return (int) files.filter(file -> file.getFileName().toString().startsWith(".draft")).count();
    }
  }

  @Test
  void diskIsFull_failsThatCheckpointAndKeepsTheOneBefore() throws Exception {
    Path disk = Files.createDirectories(temporary.resolve("disk"));
    Path script = temporary.resolve("on-a-small-disk.sh");
    Files.writeString(script, "mount -t tmpfs -o size=1m small " + disk + " && exec \"$@\"\n");
    List<String> inNamespace = List.of("unshare", "--map-root-user", "--mount", "sh");
    assumeTrue(
        runs(inNamespace, script.toString(), "true"),
        "a small disk needs user namespaces (unshare) and tmpfs, which are not to be had here");
    List<String> before = new ArrayList<>(inNamespace);
    before.add(script.toString());
    Process victim =
        start(before, disk.resolve("checkpoints").toString(), disk.resolve("ballast").toString());
    List<String> lines;
    try (BufferedReader out = victim.inputReader()) {
      lines = out.lines().toList();
    }
    assertEquals(0, victim.waitFor(), () -> String.join("\n", lines));
    assertEquals(5, lines.size(), () -> String.join("\n", lines));
    assertTrue(lines.get(1).startsWith("held 1 "), lines::toString);
    assertTrue(lines.get(2).startsWith("full "), lines::toString);
    assertTrue(
        lines.get(3).startsWith("failed 2 the checkpoint of step 2 of view 1")
            && lines.get(3).contains("No space left on device"),
        lines::toString);
    TrainingState undisturbed = States.start(States.TINY);
    States.train(undisturbed, 3);
    assertEquals("held 3 " + undisturbed.digest(), lines.get(4));
  }

  private static boolean runs(List<String> before, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(before);
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
