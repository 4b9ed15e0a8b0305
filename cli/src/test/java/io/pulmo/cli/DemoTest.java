package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.model.Finding;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.metric.AucReport;
import io.pulmo.openvino.OpenVinoNatives;
import io.pulmo.openvino.OpenVinoNotFoundException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demonstration from outside: what it finds, and that nothing outlives it. */
class DemoTest {
  private static final Duration WHOLE = Duration.ofMinutes(10);
  private static final Duration START = Duration.ofMinutes(2);
  private static final Duration GONE = Duration.ofSeconds(15);
  private static final double AUC_LEAST = 0.80;
  private static final double BASELINE_LEAST = 0.70;
  private static final double MARGIN_LEAST = 0.08;

  private Path directory;

  @BeforeEach
  void needsOpenVino(@TempDir Path directory) {
    this.directory = directory;
    try {
      OpenVinoNatives.locate();
    } catch (OpenVinoNotFoundException missing) {
      Assumptions.abort(missing.getMessage());
    }
  }

  @Test
  void demo_whole_learnsWhatThumbnailsDoNotShowAndLeavesNoProcess() throws Exception {
    Path out = directory.resolve("out");
    Path json = directory.resolve("demo.json");
    List<ProcessHandle> children;
    try (PulmoProcess demo =
        PulmoProcess.start(directory, "demo", "--out", out.toString(), "--json", json.toString())) {
      demo.await("mode .*", WHOLE);
      children = demo.handle().descendants().toList();
      assertEquals(0, demo.awaitExit(GONE), demo.errors());
    }
    awaitGone(children);

    JsonNode report = new ObjectMapper().readTree(json.toFile());
    double torch = report.at("/modes/0/auc_mean").asDouble();
    double fp32 = report.at("/modes/1/auc_mean").asDouble();
    double int8 = report.at("/modes/2/auc_mean").asDouble();
    AucReport thumbnails = thumbnailRegression(out.resolve("data"));
    assertAll(
        () -> assertEquals("torch", report.at("/modes/0/mode").asText()),
        () -> assertEquals("fp32", report.at("/modes/1/mode").asText()),
        () -> assertTrue(torch >= AUC_LEAST, "torch " + torch),
        () -> assertEquals("int8", report.at("/modes/2/mode").asText()),
        () -> assertEquals(torch, fp32, 0.001),
        () -> assertTrue(int8 >= fp32 - 0.005, "int8 " + int8 + ", fp32 " + fp32),
        () -> assertTrue(report.get("studies").asInt() >= 300, report.toString()),
        () -> assertTrue(report.get("min_positives").asInt() >= 15, report.toString()),
        () -> assertTrue(thumbnails.mean() >= BASELINE_LEAST, "thumbnails " + thumbnails.mean()));
    for (Finding finding : List.of(Finding.MASS, Finding.NODULE, Finding.PNEUMOTHORAX)) {
      double network = report.at("/modes/0/auc/" + finding.label()).asDouble();
      double baseline = thumbnails.of(finding);
      assertTrue(
          network - baseline >= MARGIN_LEAST,
          finding.label() + ": network " + network + ", thumbnails " + baseline);
    }
  }

  @Test
  void demo_killedWhileServersStart_leavesNoProcess() throws Exception {
    killedWhen("starting a coordinator .*");
  }

  @Test
  void demo_killedInTraining_leavesNoProcess() throws Exception {
    killedWhen("submitted .*");
  }

  @Test
  void demo_interruptedInTraining_exits130AndLeavesNoProcess() throws Exception {
    try (PulmoProcess demo = PulmoProcess.start(directory, "demo")) {
      demo.awaitError("submitted .*", START);
      List<ProcessHandle> children = demo.handle().descendants().toList();
      assertTrue(children.size() >= 3, "children: " + children);
      demo.signal("INT");
      assertEquals(130, demo.awaitExit(GONE), demo.errors());
      awaitGone(children);
    }
  }

  private void killedWhen(String said) throws Exception {
    Set<ProcessHandle> before = childrenOfDemos();
    try (PulmoProcess demo = PulmoProcess.start(directory, "demo")) {
      demo.awaitError(said, START);
      demo.signal("KILL");
      demo.awaitExit(GONE);
    }
    // Orphans are nobody's children any more, so they are looked for by what they were started
    // with.
    Set<ProcessHandle> orphans = childrenOfDemos();
    orphans.removeAll(before);
    awaitGone(orphans);
    Set<ProcessHandle> left = childrenOfDemos();
    left.removeAll(before);
    assertEquals(Set.of(), left);
  }

  private static void awaitGone(Collection<ProcessHandle> children) throws Exception {
    CompletableFuture.allOf(
            children.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new))
        .get(GONE.toSeconds(), TimeUnit.SECONDS);
  }

  private static Set<ProcessHandle> childrenOfDemos() {
    try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
      return all.filter(p -> p.info().commandLine().orElse("").contains("--exit-with-parent"))
          .collect(Collectors.toCollection(HashSet::new));
    }
  }

  private static AucReport thumbnailRegression(Path data) throws Exception {
    LabelList train = LabelList.read(data.resolve("train_list.txt"));
    LabelList test = LabelList.read(data.resolve("test_list.txt"));
    return ThumbnailRegression.evaluate(data.resolve("images"), train, test);
  }
}
