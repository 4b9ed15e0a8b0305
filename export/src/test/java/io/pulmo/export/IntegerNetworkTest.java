package io.pulmo.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.pulmo.model.Finding;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.BundleException;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.LabelListException;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Weights;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.OpenVinoNotFoundException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way from weights to integers, on the runtimes that serve them. */
class IntegerNetworkTest {
  private static final Preprocessing SMALL = Preset.SMALL.preprocessing();
  private static final Weights WEIGHTS = RandomWeights.of(Preset.SMALL.network(), 3);
  private static final FoldedNetwork NETWORK = FoldedNetwork.of(WEIGHTS);
  private static final List<float[]> SEEN = crops(1, 40);
  private static final List<float[]> UNSEEN = crops(2, 30);

  private static final String SPOILT = "features.denseblock2.denselayer2.conv1";
  private static final String SPOILT_INPUT = "features.denseblock2.denselayer2.norm1.relu";

  private static Core core;
  private static Calibration calibration;
  private static float[] float32;

  @BeforeAll
  static void calibrate() throws IOException {
    core = coreOrSkip();
    calibration = measured(SEEN);
    float32 = run(calibration.float32());
  }

  @AfterAll
  static void close() {
    if (core != null) {
      core.close();
    }
  }

  @Test
  void calibration_ofOneCrop_isWhatTheNetworkComputes() throws IOException {
    Calibration one = measured(SEEN.subList(0, 1));
    Map<String, PlainNetwork.Image> values =
        PlainNetwork.values(NETWORK, PlainNetwork.image(SEEN.getFirst()));
    for (String value : Calibration.measured(NETWORK, SMALL.cropPixels()).keySet()) {
      PlainNetwork.Image image = Objects.requireNonNull(values.get(value), value);
      ChannelStatistics seen = one.of(value);
      assertEquals(image.side(), seen.sidePixels(), value);
      assertEquals(image.channels(), seen.channels(), value);
      for (int c = 0; c < image.channels(); c++) {
        double[] channel = image.channel(c);
        double[] squares = channel.clone();
        double least = Double.POSITIVE_INFINITY;
        double greatest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < channel.length; i++) {
          least = Math.min(least, channel[i]);
          greatest = Math.max(greatest, channel[i]);
          squares[i] *= channel[i];
        }
        double tolerance = 1e-4 * (1 + greatest - least) * (1 + greatest - least);
        assertEquals(least, seen.least()[c], tolerance, value);
        assertEquals(greatest, seen.greatest()[c], tolerance, value);
        assertEquals(mean(channel), seen.mean()[c], tolerance, value);
        assertEquals(mean(squares), seen.meanSquare()[c], tolerance, value);
      }
    }
  }

  @Test
  void calibration_twice_isTheSame() throws IOException {
    Calibration again = measured(SEEN);
    for (String value : Calibration.measured(NETWORK, SMALL.cropPixels()).keySet()) {
      assertArrayEquals(calibration.of(value).least(), again.of(value).least(), value);
      assertArrayEquals(calibration.of(value).greatest(), again.of(value).greatest(), value);
      assertArrayEquals(calibration.of(value).mean(), again.of(value).mean(), value);
      assertArrayEquals(calibration.of(value).meanSquare(), again.of(value).meanSquare(), value);
    }
  }

  @Test
  void calibration_badCrops_areRefused() {
    for (List<float[]> bad : List.of(List.<float[]>of(), List.of(new float[7]))) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> measured(bad));
      assertTrue(e.toString().contains("expected"), e.toString());
    }
  }

  @Test
  void half_onOpenVino_answersNearlyAsInFloat32() throws IOException {
    byte[] half = new Quantizer(calibration).onnx(WeightRange.HALF, Set.of());
    double difference = Sensitivity.meanDifference(float32, run(half));
    assertTrue(difference < 0.01, "mean |Δp| " + difference);
    assertTrue(difference > 1e-6, "it computes in float32");
  }

  @Test
  void keepFloat_allParts_answersAsInFloat32() throws IOException {
    Quantizer quantizer = new Quantizer(calibration);
    byte[] none = quantizer.onnx(WeightRange.FULL, Set.copyOf(quantizer.parts()));
    assertArrayEquals(float32, run(none), 1e-4f);
  }

  @Test
  void bias_givenBack_lowersTheError() throws IOException {
    // The same network whose every bias is what it was in float32.
    byte[] half = new Quantizer(calibration).onnx(WeightRange.HALF, Set.of());
    byte[] uncorrected = new Quantizer(withoutMeans()).onnx(WeightRange.HALF, Set.of());
    double with = Sensitivity.meanDifference(float32, run(half));
    double without = Sensitivity.meanDifference(float32, run(uncorrected));
    assertTrue(with < without, with + " with, " + without + " without");
  }

  @Test
  void onnxRuntime_allFiles_answerAsOpenVino() throws IOException, OrtException {
    Quantizer quantizer = new Quantizer(calibration);
    assertArrayEquals(float32, runOnOnnxRuntime(calibration.float32()), 1e-4f);
    for (WeightRange range : WeightRange.values()) {
      float[] other = runOnOnnxRuntime(quantizer.onnx(range, Set.of()));
      int near = 0;
      for (int i = 0; i < other.length; i++) {
        near += Math.abs(other[i] - float32[i]) <= 0.02 ? 1 : 0;
      }
      assertTrue(near >= 0.99 * other.length, range + ": " + near + " of " + other.length);
    }
  }

  @Test
  void fallBack_goodNetwork_keepsEverythingInIntegers() throws IOException {
    FallBack result = search(calibration, 0.02);
    assertEquals(Set.of(), result.keepFloat());
    assertEquals(result.before(), result.after());
  }

  @Test
  void fallBack_spoiltLayerWithLabels_restoresTheAuc() throws IOException, LabelListException {
    Calibration bad = spoilt(SPOILT_INPUT);
    // Whoever float32 scores above the middle is positive, so that its AUC is 1.
    FallBack.Cost cost = FallBack.Cost.aucDrop(labels(), 1);
    FallBack result = FallBack.search(core, bad, UNSEEN, UNSEEN.subList(0, 5), cost, 0.01, _ -> {});
    assertEquals(Set.of(SPOILT), result.keepFloat());
    assertTrue(result.before() > 0.05, result.toString());
    assertTrue(result.after() <= 0.01, result.toString());
  }

  @Test
  void aucDrop_cropsOfAnImage_countByTheirMean() throws IOException, LabelListException {
    LabelList two =
        LabelList.parse(
            "list",
            new ByteArrayInputStream(
                ("a.png" + " 1".repeat(14) + "\nb.png" + " 0".repeat(14) + "\n").getBytes(UTF_8)));
    float[] right = studies(0.9f, 0.5f, 0.1f, 0.4f);
    float[] byOneCropOnly = studies(0.9f, 0.1f, 0.8f, 0.7f);
    assertEquals(0, FallBack.Cost.aucDrop(two, 2).of(right, right));
    assertEquals(1, FallBack.Cost.aucDrop(two, 2).of(right, byOneCropOnly));
  }

  @Test
  void fallBack_unlabelledFindings_areRefused() throws IOException, LabelListException {
    LabelList none =
        LabelList.parse(
            "list",
            new ByteArrayInputStream(
                IntStream.range(0, UNSEEN.size())
                    .mapToObj(i -> i + ".png" + " 0".repeat(14) + "\n")
                    .collect(Collectors.joining())
                    .getBytes(UTF_8)));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                FallBack.search(
                    core,
                    calibration,
                    UNSEEN,
                    UNSEEN,
                    FallBack.Cost.aucDrop(none, 1),
                    0.001,
                    _ -> {}));
    assertTrue(e.toString().contains("positive and a negative"), e.toString());
  }

  @Test
  void fallBack_spoiltLayer_isFoundAndRestored() throws IOException {
    Calibration bad = spoilt(SPOILT_INPUT);
    Sensitivity sensitivity = Sensitivity.measure(core, bad, UNSEEN.subList(0, 5), _ -> {});
    assertEquals(SPOILT, sensitivity.parts().getFirst().part());
    double good = search(calibration, 1).before();
    FallBack result = search(bad, 2 * good);
    assertEquals(Set.of(SPOILT), result.keepFloat());
    assertTrue(result.before() > 2 * good, result.toString());
    assertTrue(result.after() <= 2 * good, result.toString());
  }

  @Test
  void export_withIntegers_testsThemWithATolerance(@TempDir Path folder) throws IOException {
    IntegerModel integers = IntegerModel.of(core, calibration, SMALL, Set.of("features.conv0"));
    Bundle bundle = export(folder.resolve("with"), Optional.of(integers));
    assertTrue(bundle.hasInt8());
    assertArrayEquals(integers.half(), Files.readAllBytes(bundle.file(Bundle.INT8_HALF)));
    assertArrayEquals(integers.full(), Files.readAllBytes(bundle.file(Bundle.INT8_FULL)));
    assertEquals(bundle.selfTest().probabilities(), bundle.int8SelfTest().probabilities());
    assertTrue(bundle.int8SelfTest().tolerance() >= 0.02f);
    assertEquals("40", bundle.manifest().provenance().get("int8 calibration crops"));
    assertEquals("features.conv0", bundle.manifest().provenance().get("int8 kept float32"));

    Bundle without = export(folder.resolve("without"), Optional.empty());
    assertEquals(false, without.hasInt8());
    BundleException e = assertThrows(BundleException.class, without::int8SelfTest);
    assertTrue(e.toString().contains(Bundle.INT8_SELF_TEST), e.toString());
  }

  private static Core coreOrSkip() {
    try {
      return Core.create();
    } catch (OpenVinoNotFoundException e) {
      return abort("skipped: " + e.getMessage());
    }
  }

  private static Bundle export(Path out, Optional<IntegerModel> integers) throws IOException {
    float[] expected = new float[Finding.COUNT];
    Arrays.fill(expected, 0.5f);
    return new BundleExporter(Clock.systemUTC())
        .export(
            out,
            new BundleExporter.Request(
                "lungs", 1, WEIGHTS, SMALL, Map.of(), crops -> expected, integers));
  }

  private static LabelList labels() throws IOException, LabelListException {
    double[] middle = new double[Finding.COUNT];
    for (int f = 0; f < middle.length; f++) {
      int finding = f;
      middle[f] =
          IntStream.range(0, UNSEEN.size())
              .mapToDouble(i -> float32[i * Finding.COUNT + finding])
              .sorted()
              .skip(UNSEEN.size() / 2)
              .findFirst()
              .orElseThrow();
    }
    StringBuilder list = new StringBuilder();
    for (int i = 0; i < float32.length; i++) {
      int finding = i % Finding.COUNT;
      list.append(finding == 0 ? i + ".png" : "")
          .append(float32[i] >= middle[finding] ? " 1" : " 0")
          .append(finding == Finding.COUNT - 1 ? "\n" : "");
    }
    return LabelList.parse("list", new ByteArrayInputStream(list.toString().getBytes(UTF_8)));
  }

  /** Crops of which each has one probability for all findings. */
  private static float[] studies(float... ofCrops) {
    float[] all = new float[ofCrops.length * Finding.COUNT];
    for (int i = 0; i < all.length; i++) {
      all[i] = ofCrops[i / Finding.COUNT];
    }
    return all;
  }

  private static FallBack search(Calibration measured, double most) throws IOException {
    return FallBack.search(
        core,
        measured,
        UNSEEN,
        UNSEEN.subList(0, 5),
        FallBack.Cost.meanDifference(),
        most,
        _ -> {});
  }

  /** As if the calibration's images had made one value a thousand times what it is. */
  private static Calibration spoilt(String value) {
    return changed(
        (name, s) ->
            name.equals(value)
                ? new ChannelStatistics(
                    s.sidePixels(), s.least(), times(s.greatest(), 1000), s.mean(), s.meanSquare())
                : s);
  }

  private static Calibration withoutMeans() {
    return changed(
        (_, s) ->
            new ChannelStatistics(
                s.sidePixels(), s.least(), s.greatest(), new double[s.channels()], s.meanSquare()));
  }

  private interface Change {
    ChannelStatistics of(String value, ChannelStatistics statistics);
  }

  private static Calibration changed(Change change) {
    Map<String, ChannelStatistics> values = new HashMap<>();
    for (String value : Calibration.measured(NETWORK, SMALL.cropPixels()).keySet()) {
      values.put(value, change.of(value, calibration.of(value)));
    }
    return new Calibration(NETWORK, SMALL.cropPixels(), calibration.crops(), values);
  }

  private static double[] times(double[] values, double factor) {
    double[] all = values.clone();
    for (int i = 0; i < all.length; i++) {
      all[i] *= factor;
    }
    return all;
  }

  private static double mean(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  private static Calibration measured(List<float[]> crops) throws IOException {
    return Calibration.measure(core, NETWORK, SMALL.cropPixels(), crops.iterator(), _ -> {});
  }

  private static float[] run(byte[] onnx) throws IOException {
    return Sensitivity.probabilities(core, onnx, calibration, UNSEEN);
  }

  private static float[] runOnOnnxRuntime(byte[] onnx) throws OrtException {
    float[] all = new float[UNSEEN.size() * Finding.COUNT];
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      try (OrtSession session = OrtEnvironment.getEnvironment().createSession(onnx, options)) {
        long side = SMALL.cropPixels();
        for (int i = 0; i < UNSEEN.size(); i++) {
          try (OnnxTensor input =
                  OnnxTensor.createTensor(
                      OrtEnvironment.getEnvironment(),
                      FloatBuffer.wrap(UNSEEN.get(i)),
                      new long[] {1, 3, side, side});
              OrtSession.Result result = session.run(Map.of(OnnxGraph.INPUT, input))) {
            float[][] answer = (float[][]) result.get(0).getValue();
            System.arraycopy(answer[0], 0, all, i * Finding.COUNT, Finding.COUNT);
          }
        }
      }
    }
    return all;
  }

  /** Blobs of light on a dark ground, each image of its own brightness. */
  private static List<float[]> crops(long seed, int count) {
    Random random = new Random(seed);
    int side = SMALL.cropPixels();
    List<float[]> crops = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      double[] x = random.doubles(6).toArray();
      float[] crop = new float[SMALL.cropSize()];
      for (int p = 0; p < side * side; p++) {
        double row = Math.floorDiv(p, side) / (double) side;
        double column = p % side / (double) side;
        double light = 0.15 + 0.2 * x[4];
        for (int b = 0; b < 2; b++) {
          double far = Math.hypot(row - x[2 * b], column - x[2 * b + 1]);
          light += 0.4 * Math.exp(-far * far * (4 + 20 * x[5]));
        }
        double grey = Math.rint(255 * Math.clamp(light + 0.03 * random.nextGaussian(), 0, 1)) / 255;
        for (int c = 0; c < 3; c++) {
          crop[c * side * side + p] =
              (float) ((grey - SMALL.mean().get(c)) / SMALL.deviation().get(c));
        }
      }
      crops.add(crop);
    }
    return crops;
  }
}
