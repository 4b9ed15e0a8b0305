package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.download.FaultyServer;
import io.pulmo.cli.download.FaultyServer.Reply;
import io.pulmo.cli.download.TarFile;
import io.pulmo.cli.terminal.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command in a process of its own, interrupted and killed. */
class DataDownloadTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int IMAGES = 3000;
  private static final int IMAGE_BYTES = 6000;
  private static final int SILENT_AFTER = 4_000_000;

  private final Path directory;
  private final Path out;
  private final byte[] file;

  DataDownloadTest(@TempDir Path directory) throws IOException {
    this.directory = directory;
    this.out = directory.resolve("out");
    this.file = TarFile.ofImages(0, IMAGES, IMAGE_BYTES);
  }

  @Test
  void download_killedAtEveryStage_isFinishedByTheNextRun() throws Exception {
    try (FaultyServer server = server()) {
      killOnce(server, () -> size(out.resolve("a.tar.gz.part")) >= SILENT_AFTER);
      assertEquals(0, count(out.resolve("images")));
      killOnce(server, () -> count(out.resolve(".download/unpacking")) >= 100);
      assertEquals("bytes=" + SILENT_AFTER + "-", server.gets().get(1).header("range"));
      assertEquals(0, count(out.resolve("images")));
      killOnce(server, () -> count(out.resolve("images")) >= 100);
      assertImagesAreWhole();
      try (PulmoProcess pulmo = start(server)) {
        assertEquals(ExitCode.DONE, pulmo.awaitExit(PATIENCE), pulmo.errors());
        String output = pulmo.output();
        assertTrue(output.startsWith(IMAGES + " of ChestX-ray14's 112120 images in "), output);
        assertTrue(output.contains("Data_Entry_2017_v2020.csv"), output);
      }
      assertEquals(IMAGES, assertImagesAreWhole());
      assertFalse(Files.exists(out.resolve("a.tar.gz")));
      assertEquals(2, server.gets().size(), "what had come was not asked for again");
    }
  }

  @Test
  void download_interruptedOrStartedTwice_saysSoByItsExitCode() throws Exception {
    try (FaultyServer server = server()) {
      try (PulmoProcess pulmo = start(server)) {
        await(pulmo, () -> size(out.resolve("a.tar.gz.part")) >= SILENT_AFTER);
        try (PulmoProcess second = start(server)) {
          assertEquals(ExitCode.FAILED, second.awaitExit(PATIENCE), second.errors());
          assertTrue(second.errors().contains("in use by another download"), second.errors());
        }
        pulmo.signal("INT");
        assertEquals(130, pulmo.awaitExit(PATIENCE), pulmo.errors());
      }
      try (PulmoProcess pulmo = start(server)) {
        assertEquals(ExitCode.DONE, pulmo.awaitExit(PATIENCE), pulmo.errors());
      }
      assertEquals(IMAGES, assertImagesAreWhole());
    }
  }

  /** Silent in the middle of the first answer; good from then on. */
  private FaultyServer server() throws IOException {
    return new FaultyServer(
        (request, nth) ->
            nth == 0
                ? Reply.ranged(request, file).silentAfter(SILENT_AFTER)
                : Reply.ranged(request, file));
  }

  private PulmoProcess start(FaultyServer server) throws Exception {
    Path list =
        Files.writeString(
            directory.resolve("list.tsv"), TarFile.line("a.tar.gz", server.address("/a"), file));
    return PulmoProcess.start(
        directory, "data", "download", "--out", out.toString(), "--archives", list.toString());
  }

  private void killOnce(FaultyServer server, Callable<Boolean> when) throws Exception {
    try (PulmoProcess pulmo = start(server)) {
      await(pulmo, when);
      // Not by the command kill, which takes a while.
      assertTrue(pulmo.handle().destroyForcibly());
      assertEquals(128 + 9, pulmo.awaitExit(PATIENCE));
    }
    assertFalse(Files.exists(out.resolve(".download/a.tar.gz.done")), "killed too late");
  }

  private static void await(PulmoProcess pulmo, Callable<Boolean> when) throws Exception {
    long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
    while (!when.call()) {
      assertTrue(pulmo.handle().isAlive(), "it ended before: " + pulmo.errors());
      assertTrue(System.nanoTime() < deadlineNanos, "not within " + PATIENCE);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static long size(Path path) throws IOException {
    return Files.exists(path) ? Files.size(path) : -1;
  }

  private static int count(Path folder) {
    String[] names = folder.toFile().list();
    return names == null ? 0 : names.length;
  }

  /** How many there are. */
  private int assertImagesAreWhole() throws IOException {
    int images = 0;
    for (int i = 0; i < IMAGES; i++) {
      Path image = out.resolve("images").resolve(String.format(Locale.ROOT, "%08d_000.png", i));
      if (Files.exists(image)) {
        assertArrayEquals(TarFile.image(i, IMAGE_BYTES), Files.readAllBytes(image));
        images++;
      }
    }
    assertEquals(images, count(out.resolve("images")));
    return images;
  }
}
