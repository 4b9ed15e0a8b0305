package io.pulmo.cli.curves;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.rpc.JobView;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class JobCurvesTest {
  /** What TensorBoard's own reader finds in a folder: tag, step, value of each scalar. */
  private static final String READER =
      """
      import sys
      from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
      run = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
      run.Reload()
      for tag in sorted(run.Tags()['scalars']):
          for e in run.Scalars(tag):
              print(tag, e.step, '%.6g' % e.value, '%.1f' % e.wall_time, sep='|')
      """;

  private final Path dir;
  private final List<String> warnings = new ArrayList<>();
  private long nowMillis = 1_790_000_000_000L;
  private final InstantSource clock = () -> Instant.ofEpochMilli(nowMillis);

  JobCurvesTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void eventFile_aScalar_hasTheBytesThatTensorBoardWrites() throws Exception {
    try (EventFile file = new EventFile(dir, "host", clock)) {
      file.scalars(300, Map.of("loss", 0.5));
    }
    Path written = dir.resolve("events.out.tfevents.1790000000.host");
    // As tensorboard 2.21.0's RecordWriter writes the same two events.
    assertEquals(EXPECTED, HexFormat.of().formatHex(Files.readAllBytes(written)));
  }

  private static final String EXPECTED =
      "1800000000000000a37f4b2209000000e04eacda411a0d627261696e2e4576656e743a3236da95ad1b000000000000001a0d9e1309000000e04eacda4110ac022a0d0a0b0a046c6f7373150000003f60dd3afc";

  @Test
  void accept_eachChange_writesNewStepsAtMostEachSecond() throws Exception {
    try (JobCurves curves = curves()) {
      curves.accept(job(0, 0));
      for (int step = 1; step <= 30; step++) {
        curves.accept(job(step, 0));
        nowMillis += 100;
      }
    }
    // 1, 11 and 21, of three values each, each in its own event of one summary.
    assertEquals(3, count(train(), "loss"));
    assertEquals(List.of(), warnings);
  }

  @Test
  void curves_folderCannotBeMade_fails() throws Exception {
    Files.writeString(dir.resolve("job-1"), "a file in the folder's place");
    assertThrows(IOException.class, this::curves);
    assertThrows(IOException.class, () -> new JobCurves(dir, "../up", "w", clock, warnings::add));
  }

  @Test
  void curves_readByTensorBoard_areWhatTheJobTold() throws Exception {
    String python = System.getProperty("pulmo.peers", "");
    Assumptions.assumeTrue(!python.isEmpty(), "skipped: no -Dpulmo.peers=PYTHON with tensorboard");
    Assumptions.assumeTrue(
        run(python, "-c", "import tensorboard.backend.event_processing.event_accumulator")
            .isPresent(),
        "skipped: " + python + " has no tensorboard");
    try (JobCurves curves = curves()) {
      curves.accept(job(10, 0));
      nowMillis += 2_000;
      curves.accept(job(20, 1));
      nowMillis += 2_000;
      curves.accept(job(30, 2));
      nowMillis += 2_000;
      // A restore: steps 20 and 30 are given up.
      curves.accept(job(15, 1));
    }
    nowMillis += 2_000;
    try (JobCurves again = curves()) {
      // Watched anew.
      again.accept(job(25, 2));
    }
    assertEquals(
        List.of(
            "images per second|10|12.5|1790000000.0",
            "images per second|15|12.5|1790000006.0",
            "images per second|25|12.5|1790000008.0",
            "loss|10|0.1|1790000000.0",
            "loss|15|0.0666667|1790000006.0",
            "loss|25|0.04|1790000008.0",
            "workers|10|0|1790000000.0",
            "workers|15|0|1790000006.0",
            "workers|25|0|1790000008.0"),
        run(python, "-c", READER, train().toString()).orElseThrow().lines().toList());
    assertEquals(
        List.of(
            "AUC|1|0.8|1790000008.0",
            "AUC|2|0.8|1790000008.0",
            "loss|1|0.5|1790000008.0",
            "loss|2|1|1790000008.0"),
        run(python, "-c", READER, dir.resolve("job-1/validation").toString())
            .orElseThrow()
            .lines()
            .toList());
  }

  private JobCurves curves() throws IOException {
    return new JobCurves(dir, "job-1", "test-" + nowMillis, clock, warnings::add);
  }

  private Path train() {
    return dir.resolve("job-1/train");
  }

  private static int count(Path folder, String tag) throws IOException {
    int count = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        for (int at = text.indexOf(tag); at >= 0; at = text.indexOf(tag, at + 1)) {
          count++;
        }
      }
    }
    return count;
  }

  /** What a command prints; nothing if it fails. */
  private static Optional<String> run(String... command) throws Exception {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(100, TimeUnit.SECONDS));
    return process.exitValue() == 0 ? Optional.of(out) : Optional.empty();
  }

  private static JobView job(long step, int epochs) {
    List<JobView.Epoch> judged = new ArrayList<>();
    for (int i = 0; i < epochs; i++) {
      judged.add(new JobView.Epoch(i, 0.8, 0.5 * (i + 1), false));
    }
    return new JobView(
        "job-1",
        "name",
        "running",
        false,
        "",
        step,
        100,
        step == 0 ? 0 : 1.0 / step,
        12.5,
        0,
        judged,
        List.of(),
        new JobView.View(1, 1, "", step, List.of()),
        Optional.empty());
  }
}
