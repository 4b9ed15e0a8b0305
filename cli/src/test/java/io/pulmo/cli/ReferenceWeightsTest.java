package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.client.Options;
import io.pulmo.client.Precision;
import io.pulmo.client.PulmoClient;
import io.pulmo.model.Finding;
import io.pulmo.model.Findings;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.Sha256;
import io.pulmo.node.Listen;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.OpenVinoNotFoundException;
import io.pulmo.serving.ServingServer;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.repository.LoadedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A DenseNet-121 that PyTorch saved, exported and asked for the images whose ten-crop means PyTorch
 * itself computed.
 */
@Timeout(600)
class ReferenceWeightsTest {
  private static final String PTH = "reference/chexnet-random.pth";
  private static final Map<Mode, Double> TOLERANCE = Map.of(Mode.TORCH, 1e-5, Mode.FP32, 1e-4);

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  static Path folder;

  private static @Nullable Bundle exported;

  private final Bundle bundle;
  private final JsonNode reference;

  /** An image's bytes to its probabilities. */
  private interface Judge {
    float[] probabilities(byte[] image, Mode mode) throws Exception;
  }

  /** In each test, so that each is seen to be skipped. */
  ReferenceWeightsTest() throws Exception {
    try {
      Core.create().close();
    } catch (OpenVinoNotFoundException e) {
      Assumptions.abort("skipped: " + e.getMessage());
    }
    reference =
        new ObjectMapper()
            .readTree(SharedData.required("reference/chexnet-random.json").toFile())
            .get("images");
    bundle = exportOnce(SharedData.required(PTH));
  }

  private static Bundle exportOnce(Path pth) throws Exception {
    Bundle known = exported;
    if (known != null) {
      return known;
    }
    Path out = folder.resolve("models/chexnet/1");
    try (PulmoProcess pulmo =
        PulmoProcess.start(
            folder.resolve("work"),
            "export",
            "--checkpoint",
            pth.toAbsolutePath().toString(),
            "--out",
            out.toString())) {
      assertEquals(0, pulmo.awaitExit(Duration.ofMinutes(5)), pulmo.errors());
    }
    Bundle bundle = Bundle.open(out);
    exported = bundle;
    return bundle;
  }

  private void assertAsPyTorch(String where, Judge judge) throws Exception {
    assertTrue(reference.size() >= 9, "only " + reference.size() + " reference images");
    for (Mode mode : List.of(Mode.TORCH, Mode.FP32)) {
      double worst = 0;
      for (Map.Entry<String, JsonNode> image : reference.properties()) {
        byte[] bytes =
            Files.readAllBytes(SharedData.required("reference/images/" + image.getKey()));
        float[] probabilities = judge.probabilities(bytes, mode);
        assertEquals(Finding.COUNT, probabilities.length);
        for (int f = 0; f < probabilities.length; f++) {
          double expected = image.getValue().get("probabilities_mean").get(f).asDouble();
          worst = Math.max(worst, Math.abs(expected - probabilities[f]));
        }
      }
      System.out.printf("%s, %s: at most %.1e from PyTorch%n", where, mode.label(), worst);
      assertTrue(worst <= TOLERANCE.getOrDefault(mode, 0.0), where + ", " + mode + ": " + worst);
    }
  }

  @Test
  void judge_bundleOfPyTorchsWeights_agreesWithPyTorch() throws Exception {
    try (LoadedModel model = LoadedModel.open(bundle, EnumSet.of(Mode.TORCH, Mode.FP32))) {
      assertAsPyTorch(
          "loaded",
          (image, mode) -> {
            Findings findings = model.judge(image, mode);
            float[] probabilities = new float[Finding.COUNT];
            for (int f = 0; f < probabilities.length; f++) {
              probabilities[f] = findings.of(Finding.ALL.get(f));
            }
            return probabilities;
          });
    }
  }

  @Test
  void analyze_serverOfPyTorchsWeights_agreesWithPyTorch() throws Exception {
    try (ServingServer server =
            ServingServer.start(
                ServingServer.Settings.offering(folder.resolve("models"), Listen.loopback(0)));
        PulmoClient client = PulmoClient.builder().target(server.address().toString()).build()) {
      assertAsPyTorch(
          "served",
          (image, mode) -> {
            Options options = Options.defaults().withPrecision(Precision.valueOf(mode.name()));
            var analysis = client.analyze(image, options);
            float[] probabilities = new float[Finding.COUNT];
            for (int f = 0; f < probabilities.length; f++) {
              probabilities[f] = analysis.probability(Finding.ALL.get(f).label());
            }
            return probabilities;
          });
    }
  }

  @Test
  void export_ofPyTorchsWeights_namesTheFileAndItsDigest() throws IOException {
    Map<String, String> provenance = bundle.manifest().provenance();
    assertEquals("chexnet-random.pth", provenance.get("checkpoint"));
    assertEquals(
        Sha256.of(SharedData.required(PTH)), provenance.get("sha256 of chexnet-random.pth"));
  }
}
