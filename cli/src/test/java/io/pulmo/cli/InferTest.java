package io.pulmo.cli;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.export.BundleExporter;
import io.pulmo.model.Finding;
import io.pulmo.model.data.SyntheticRadiographs;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.OpenVinoNotFoundException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The real command on good files and on whatever else a user may name. */
class InferTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** What two float32 runs of one engine may differ by when they share the cores otherwise. */
  private static final double SAME = 1e-6;

  private static Path shared;
  private static Path bundle;
  private static Path good;

  private final Path directory;

  /** What is wrong with each file that is refused, in words of its message. */
  private final Map<Path, String> bad = new LinkedHashMap<>();

  /** The command's answer. */
  private record Run(int exitCode, String output, String errors, JsonNode json) {}

  InferTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @BeforeAll
  static void makeBundleAndImages(@TempDir Path folder) throws Exception {
    shared = folder;
    SyntheticRadiographs.generate(
        new SyntheticRadiographs.Settings(10, 3, 96, true), shared, done -> {});
    good = shared.resolve("images/00000001_000.png");
    Weights weights = Initialization.random(Preset.SMALL.network(), 5);
    Preprocessing preprocessing = Preset.SMALL.preprocessing();
    bundle = shared.resolve("chest");
    try (DenseNet network = DenseNet.create(weights.spec(), 1)) {
      network.load(weights);
      new BundleExporter(Clock.systemUTC())
          .export(
              bundle,
              new BundleExporter.Request(
                  "chest",
                  1,
                  weights,
                  preprocessing,
                  Map.of(),
                  crops ->
                      network.studyProbabilities(
                          crops, 1, Preprocessing.CROPS, preprocessing.cropPixels())));
    }
  }

  @BeforeEach
  void makeBadFiles() throws Exception {
    byte[] png = Files.readAllBytes(good);
    bad.put(
        Files.write(directory.resolve("truncated.png"), Arrays.copyOf(png, png.length / 2)),
        "damaged PNG");
    bad.put(Files.writeString(directory.resolve("text.png"), "no image"), "expected a PNG");
    bad.put(Files.createFile(directory.resolve("empty.png")), "an empty file");
    bad.put(directory.resolve("missing.png"), "no such file");
  }

  @Test
  void infer_badFilesAmongGood_namesEachOnceAndAnswersTheGood() throws Exception {
    List<String> files = new ArrayList<>(bad.keySet().stream().map(Path::toString).toList());
    files.add(2, good.toString());

    Run run = infer("torch", List.of("--bundle", bundle.toString()), files);

    assertEquals(ExitCode.FAILED, run.exitCode(), run.errors());
    assertTrue(run.output().startsWith(good.toString()), run.output());
    assertEquals(
        Finding.COUNT,
        run.output().lines().filter(line -> line.matches("  \\w+ +[01]\\.\\d{3}")).count(),
        run.output());
    assertEquals(bad.size(), run.errors().lines().count(), run.errors());
    bad.forEach(
        (file, why) ->
            assertTrue(
                run.errors()
                    .lines()
                    .anyMatch(line -> line.startsWith("pulmo: " + file) && line.contains(why)),
                file + " " + run.errors()));
    assertFalse(run.errors().contains("\tat "), run.errors());
    assertEquals(List.of(good.toString()), run.json().get("images").findValuesAsText("file"));
    assertEquals(
        new TreeSet<>(bad.keySet().stream().map(Path::toString).toList()),
        new TreeSet<>(run.json().get("errors").findValuesAsText("file")));
  }

  @Test
  void infer_whatIsNoFile_isRefusedWithoutWaiting() throws Exception {
    Path pipe = directory.resolve("pipe.png");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    Path huge = directory.resolve("huge.png");
    try (RandomAccessFile file = new RandomAccessFile(huge.toFile(), "rw")) {
      file.setLength(5L << 30);
    }
    Path loop = directory.resolve("loop.png");
    Files.createSymbolicLink(loop, loop);
    Path noImages = Files.createDirectories(directory.resolve("folder.png"));
    bad.put(pipe, "a pipe, socket or device");
    bad.put(huge, Long.toString(5L << 30));
    bad.put(loop, "symbolic links");
    bad.put(noImages, "without images");
    List<String> files = new ArrayList<>(bad.keySet().stream().map(Path::toString).toList());

    Run run = infer("torch", List.of("--bundle", bundle.toString()), files);

    assertEquals(ExitCode.FAILED, run.exitCode(), run.errors());
    assertEquals("", run.output());
    assertEquals(bad.size(), run.errors().lines().count(), run.errors());
    bad.forEach(
        (file, why) ->
            assertTrue(
                run.errors()
                    .lines()
                    .anyMatch(line -> line.startsWith("pulmo: " + file) && line.contains(why)),
                file + " " + run.errors()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"torch", "fp32"})
  void infer_bundleOrServer_giveTheSameFindingsAndErrors(String mode) throws Exception {
    if (mode.equals("fp32")) {
      assumeOpenVino();
    }
    List<String> files = new ArrayList<>(bad.keySet().stream().map(Path::toString).toList());
    files.add(shared.resolve("images").toString());
    Run here = infer(mode, List.of("--bundle", bundle.toString()), files);
    Run there;
    try (PulmoProcess server =
        PulmoProcess.start(
            directory.resolve("server"),
            "serve",
            "--mode",
            mode,
            "--port",
            "0",
            "--repository",
            bundle.toString())) {
      String address = server.await(".* listening on (\\S+)", PATIENCE);
      there = infer(mode, List.of("--server", address), files);
    }

    assertEquals(ExitCode.FAILED, here.exitCode(), here.errors());
    assertEquals(ExitCode.FAILED, there.exitCode(), there.errors());
    assertEquals(byFile(here.json().get("errors")), byFile(there.json().get("errors")));
    Map<String, JsonNode> answers = byFile(here.json().get("images"));
    Map<String, JsonNode> theirs = byFile(there.json().get("images"));
    assertTrue(answers.size() >= 20, "only " + answers.size());
    assertEquals(answers.keySet(), theirs.keySet());
    answers.forEach((file, answer) -> assertSame(answer, requireNonNull(theirs.get(file))));
  }

  @Test
  void infer_listOnStandardInput_answersBeforeTheNextIsNamed() throws Exception {
    try (PulmoProcess pulmo =
        PulmoProcess.start(
            directory.resolve("work"),
            "infer",
            "--mode",
            "torch",
            "--bundle",
            bundle.toString(),
            "-")) {
      pulmo.give(good + "\n");
      pulmo.await("(" + good + ") .*", PATIENCE);
      pulmo.give("missing.png\n");
      pulmo.awaitError("pulmo: missing.png: (no such file)", PATIENCE);
      pulmo.give(good + "\n");
      pulmo.await("(" + good + ") .*", PATIENCE);
      pulmo.endInput();
      assertEquals(ExitCode.FAILED, pulmo.awaitExit(PATIENCE), pulmo.errors());
    }
  }

  private Run infer(String mode, List<String> where, List<String> files) throws Exception {
    Path json = directory.resolve("answers.json");
    Files.deleteIfExists(json);
    List<String> arguments = new ArrayList<>(List.of("infer", "--mode", mode, "--json"));
    arguments.add(json.toString());
    arguments.addAll(where);
    arguments.addAll(files);
    try (PulmoProcess pulmo =
        PulmoProcess.start(directory.resolve("work"), arguments.toArray(String[]::new))) {
      int exitCode = pulmo.awaitExit(PATIENCE);
      return new Run(
          exitCode, pulmo.output(), pulmo.errors(), new ObjectMapper().readTree(json.toFile()));
    }
  }

  private static void assertSame(JsonNode expected, JsonNode given) {
    assertEquals(expected.get("model"), given.get("model"));
    for (Finding finding : Finding.ALL) {
      assertEquals(
          expected.get("probabilities").get(finding.label()).doubleValue(),
          given.get("probabilities").get(finding.label()).doubleValue(),
          SAME,
          expected.get("file") + " " + finding.label());
    }
  }

  private static Map<String, JsonNode> byFile(JsonNode rows) {
    Map<String, JsonNode> byFile = new TreeMap<>();
    rows.forEach(row -> byFile.put(row.get("file").asText(), row));
    assertEquals(rows.size(), byFile.size());
    return byFile;
  }

  private static void assumeOpenVino() {
    try {
      Core.create().close();
    } catch (OpenVinoNotFoundException e) {
      Assumptions.abort("skipped: " + e.getMessage());
    }
  }
}
