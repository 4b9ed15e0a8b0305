package io.pulmo.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.pulmo.export.BundleExporter.ReferenceForward;
import io.pulmo.export.BundleExporter.Request;
import io.pulmo.model.Finding;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.BundleException;
import io.pulmo.model.bundle.SelfTest;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Weights;
import io.pulmo.openvino.CompiledModel;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.ElementType;
import io.pulmo.openvino.InferRequest;
import io.pulmo.openvino.Model;
import io.pulmo.openvino.OpenVinoException;
import io.pulmo.openvino.OpenVinoNotFoundException;
import io.pulmo.openvino.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundleExporterTest {
  private static final Preprocessing SMALL = Preset.SMALL.preprocessing();
  private static final Weights WEIGHTS = RandomWeights.of(Preset.SMALL.network(), 3);
  private static final BundleExporter EXPORTER =
      new BundleExporter(Clock.fixed(Instant.parse("2026-01-31T12:00:00.123Z"), ZoneOffset.UTC));

  @Test
  void export_anyWeights_openAsExported(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("lungs");
    Bundle written = EXPORTER.export(out, request(crops -> constant(0.25f)));
    Bundle bundle = Bundle.open(out);
    assertEquals(written, bundle);
    assertEquals("2026-01-31T12:00:00Z", bundle.manifest().createdAt());
    assertEquals(Preset.SMALL.network(), bundle.manifest().network());
    assertEquals(Map.of("job", "j1"), bundle.manifest().provenance());
    Weights read = bundle.weights();
    assertArrayEquals(WEIGHTS.learned(), read.learned());
    assertArrayEquals(WEIGHTS.statistics(), read.statistics());
    assertEquals(Optional.empty(), bundle.selfTest().mismatch(constant(0.25f)));
  }

  @Test
  void export_failingReference_leavesNothingBehind(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("lungs");
    List<ReferenceForward> failing =
        List.of(
            crops -> {
              throw new IllegalStateException("engine is gone");
            },
            crops -> new float[13],
            crops -> constant(Float.NaN));
    for (ReferenceForward reference : failing) {
      assertThrows(RuntimeException.class, () -> EXPORTER.export(out, request(reference)));
      try (var left = Files.list(folder)) {
        assertEquals(List.of(), left.toList());
      }
    }
  }

  @Test
  void export_existingTarget_isRefusedBeforeAnyWork(@TempDir Path folder) {
    BundleException e =
        assertThrows(
            BundleException.class,
            () ->
                EXPORTER.export(
                    folder,
                    request(
                        crops -> {
                          throw new AssertionError("computed although the target exists");
                        })));
    assertTrue(e.toString().contains(folder + " exists"), e.toString());
  }

  @Test
  void onnx_onOpenVino_reproducesItselfWhateverTheBatch(@TempDir Path folder) throws IOException {
    Path file =
        Files.write(folder.resolve("small.onnx"), OnnxGraph.of(WEIGHTS, SMALL.cropPixels()));
    try (Core core = coreOrSkip()) {
      float[] crops = SelfTest.input(1, SMALL);
      float[] together = run(core, file, 10, crops);
      assertEquals(10 * Finding.COUNT, together.length);
      for (int crop = 0; crop < 10; crop += 4) {
        float[] one =
            Arrays.copyOfRange(crops, crop * SMALL.cropSize(), (crop + 1) * SMALL.cropSize());
        assertArrayEquals(
            Arrays.copyOfRange(together, crop * Finding.COUNT, (crop + 1) * Finding.COUNT),
            run(core, file, 1, one),
            1e-5f);
      }
      assertTrue(Math.abs(together[0] - together[Finding.COUNT]) > 1e-6, "crops differ");
    }
  }

  @Test
  void onnx_reshapedToOtherChannels_isRefusedWithOpenVinosText(@TempDir Path folder)
      throws IOException {
    Path file =
        Files.write(folder.resolve("small.onnx"), OnnxGraph.of(WEIGHTS, SMALL.cropPixels()));
    try (Core core = coreOrSkip();
        Model model = core.readModel(file)) {
      OpenVinoException e =
          assertThrows(OpenVinoException.class, () -> model.reshape(1, 5, 64, 64));
      assertTrue(e.toString().contains("features.conv0"), e.toString());
    }
  }

  private static float[] run(Core core, Path file, int count, float[] crops) {
    try (Model model = core.readModel(file)) {
      model.reshape(count, 3, SMALL.cropPixels(), SMALL.cropPixels());
      try (CompiledModel compiled =
              core.compile(model, "CPU", Map.of("INFERENCE_PRECISION_HINT", "f32"));
          Tensor input =
              Tensor.allocate(ElementType.F32, count, 3, SMALL.cropPixels(), SMALL.cropPixels());
          InferRequest inference = compiled.createInferRequest()) {
        input.write(0, crops, 0, crops.length);
        inference.setInput(input);
        inference.infer();
        return inference.output();
      }
    }
  }

  private static Core coreOrSkip() {
    try {
      return Core.create();
    } catch (OpenVinoNotFoundException e) {
      return abort(e.toString());
    }
  }

  private static Request request(ReferenceForward reference) {
    return new Request("lungs", 1, WEIGHTS, SMALL, Map.of("job", "j1"), reference);
  }

  private static float[] constant(float value) {
    float[] all = new float[Finding.COUNT];
    Arrays.fill(all, value);
    return all;
  }
}
