package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading from memory, pre-processing, profiles, properties, cache, export. */
class FeaturesTest {
  private static final int SIDE = 8;
  private static final int IMAGE = 3 * SIDE * SIDE;
  private static final Map<String, String> FP32 = Map.of("INFERENCE_PRECISION_HINT", "f32");

  private Path folder;
  private Core core;

  @BeforeEach
  void start(@TempDir Path temporary) {
    folder = temporary;
    core = TestModels.coreOrSkip();
  }

  @AfterEach
  void stop() {
    if (core != null) {
      core.close();
    }
  }

  @Test
  void readModel_fromMemoryWithWeights_isTheFiles() throws IOException {
    float[] expected = run(core.readModel(TestModels.convolutionIn(folder, SIDE)));
    Files.write(folder.resolve("other.bin"), TestModels.convolutionWeights());
    assertArrayEquals(
        expected,
        run(core.readModel(folder.resolve("convolution.xml"), folder.resolve("other.bin"))));
    byte[] bytes = TestModels.convolutionWeights();
    Tensor weights = Tensor.allocate(ElementType.U8, bytes.length);
    weights.write(0, bytes, 0, bytes.length);
    Model model =
        core.readModel(TestModels.convolution(SIDE).getBytes(StandardCharsets.UTF_8), weights);
    // The model keeps the memory alive, and so does what is compiled from it.
    weights.close();
    assertArrayEquals(expected, run(model));
    assertThrows(IllegalStateException.class, weights::segment);
  }

  @Test
  void readModel_weightsOfFloatsOrNoBytes_isRefused() {
    try (Tensor floats = Tensor.allocate(ElementType.F32, 4)) {
      assertThrows(IllegalArgumentException.class, () -> core.readModel(new byte[] {1}, floats));
      assertThrows(IllegalArgumentException.class, () -> core.readModel(new byte[0]));
      assertThrows(OpenVinoException.class, () -> core.readModel(new byte[] {1, 2, 3}));
    }
  }

  @Test
  void preProcessing_bytesWithMeanAndScale_isTheArithmetic() throws IOException {
    byte[] pixels = new byte[IMAGE];
    float[] normalized = new float[IMAGE];
    float[] means = {120, 110, 100};
    float[] scales = {60, 55, 50};
    for (int i = 0; i < IMAGE; i++) {
      pixels[i] = (byte) (i * 7);
      int channel = i / (SIDE * SIDE);
      normalized[i] = ((pixels[i] & 0xff) - means[channel]) / scales[channel];
    }
    Path file = TestModels.convolutionIn(folder, SIDE);
    float[] expected = run(core.readModel(file), normalized);
    try (Model model = core.readModel(file)) {
      model.reshape(1, 3, SIDE, SIDE);
      PrePostProcessor graph = new PrePostProcessor(model);
      graph
          .input("image")
          .elementType(ElementType.U8)
          .layout("NCHW")
          .modelLayout("NCHW")
          .convert(ElementType.F32)
          .mean(means)
          .scale(scales);
      graph.build();
      assertEquals(ElementType.U8, model.inputs().getFirst().type());
      try (CompiledModel compiled = core.compile(model, "CPU", FP32);
          InferRequest request = compiled.createInferRequest()) {
        request.inputTensor(0).write(0, pixels, 0, IMAGE);
        request.infer();
        assertArrayEquals(expected, request.output(), 1e-4f);
      }
    }
  }

  @Test
  void preProcessing_otherLayoutAndOutputType_reordersAndConverts() throws IOException {
    float[] planar = values();
    float[] interleaved = new float[IMAGE];
    for (int c = 0; c < 3; c++) {
      for (int i = 0; i < SIDE * SIDE; i++) {
        interleaved[i * 3 + c] = planar[c * SIDE * SIDE + i];
      }
    }
    Path file = TestModels.convolutionIn(folder, SIDE);
    float[] expected = run(core.readModel(file), planar);
    try (Model model = core.readModel(file)) {
      model.reshape(1, 3, SIDE, SIDE);
      PrePostProcessor graph = new PrePostProcessor(model);
      graph.input(0).layout("NHWC").modelLayout("NCHW");
      graph.output(0).elementType(ElementType.F16);
      graph.build();
      assertEquals(PartialShape.of(1, SIDE, SIDE, 3), model.inputs().getFirst().shape());
      try (CompiledModel compiled = core.compile(model, "CPU", FP32);
          InferRequest request = compiled.createInferRequest()) {
        request.inputTensor(0).write(0, interleaved, 0, IMAGE);
        request.infer();
        try (Tensor halves = request.copyOutput(0)) {
          float first =
              Float.float16ToFloat(
                  halves.segment().get(java.lang.foreign.ValueLayout.JAVA_SHORT, 0));
          assertEquals(expected[0], first, 1e-2f);
        }
      }
    }
  }

  @Test
  void preProcessing_valuesThatDoNotFit_areRefused() throws IOException {
    try (Model model = core.readModel(TestModels.convolutionIn(folder, SIDE))) {
      PrePostProcessor wrong = new PrePostProcessor(model);
      wrong.input(0).layout("NCHW").mean(1, 2);
      OpenVinoException e = assertThrows(OpenVinoException.class, wrong::build);
      assertTrue(e.toString().length() > 60, e.toString());
      assertThrows(IndexOutOfBoundsException.class, () -> wrong.input(1));
      assertThrows(IllegalArgumentException.class, () -> wrong.input(0).scale(1, 0, 1));
      PrePostProcessor nonsense = new PrePostProcessor(model);
      nonsense.input(0).layout("N?!");
      assertThrows(OpenVinoException.class, nonsense::build);
    }
  }

  @Test
  void profiling_counted_namesTheConvolution() throws IOException {
    Map<String, String> counted = Map.of("INFERENCE_PRECISION_HINT", "f32", "PERF_COUNT", "YES");
    try (CompiledModel compiled = compiled(TestModels.convolutionIn(folder, SIDE), counted);
        InferRequest request = compiled.createInferRequest()) {
      request.inputTensor(0);
      assertThrows(IllegalStateException.class, request::profiling);
      request.infer();
      List<NodeProfile> profile = request.profiling();
      NodeProfile convolution =
          profile.stream().filter(node -> node.type().equals("Convolution")).findFirst().get();
      assertEquals(NodeProfile.Status.EXECUTED, convolution.status());
      assertFalse(convolution.execType().isBlank());
      assertTrue(convolution.realNanos() >= 0 && convolution.realNanos() % 1_000 == 0);
      assertTrue(profile.stream().anyMatch(node -> node.realNanos() > 0), profile.toString());
    }
  }

  @Test
  void profiling_notCounted_isRefused() throws IOException {
    try (CompiledModel compiled = compiled(TestModels.convolutionIn(folder, SIDE), FP32);
        InferRequest request = compiled.createInferRequest()) {
      request.inputTensor(0);
      request.infer();
      assertThrows(IllegalStateException.class, request::profiling);
    }
  }

  @Test
  void setProperty_onTheDevice_isWhatModelsGet() throws IOException {
    core.setProperty("CPU", "INFERENCE_NUM_THREADS", "1");
    assertEquals("1", core.property("CPU", "INFERENCE_NUM_THREADS"));
    try (CompiledModel compiled = compiled(TestModels.convolutionIn(folder, SIDE), FP32)) {
      assertEquals("1", compiled.property("INFERENCE_NUM_THREADS"));
      assertThrows(OpenVinoException.class, () -> compiled.property("COLOUR"));
      assertThrows(OpenVinoException.class, () -> compiled.setProperty("PERF_COUNT", "YES"));
    }
    OpenVinoException e =
        assertThrows(OpenVinoException.class, () -> core.setProperty("CPU", "COLOUR", "red"));
    assertTrue(e.toString().contains("COLOUR"), e.toString());
    // As a string, OpenVINO would take it for a pointer to functions and call them.
    assertThrows(
        IllegalArgumentException.class,
        () -> core.setProperty("CACHE_ENCRYPTION_CALLBACKS", "secret"));
    assertThrows(IllegalArgumentException.class, () -> core.setProperty("CPU", "A\0B", "1"));
  }

  @Test
  void versions_cpuAndHetero_nameTheRuntimes() {
    List<PluginVersion> cpu = core.versions("CPU");
    assertEquals(1, cpu.size());
    assertEquals("CPU", cpu.getFirst().device());
    assertTrue(core.version().startsWith(cpu.getFirst().build().substring(0, 4)), cpu.toString());
    assertThrows(OpenVinoException.class, () -> core.versions("TPU"));
  }

  @Test
  void compile_devicesByName_passThrough() throws IOException {
    Path file = TestModels.convolutionIn(folder, SIDE);
    float[] expected = run(core.readModel(file));
    for (String device : List.of("AUTO", "AUTO:CPU", "HETERO:CPU", "MULTI:CPU")) {
      assertArrayEquals(expected, run(core.readModel(file), values(), device), 1e-4f, device);
    }
    OpenVinoException e =
        assertThrows(OpenVinoException.class, () -> core.compile(file, "HETERO:TPU,CPU", Map.of()));
    assertTrue(e.toString().contains("TPU"), e.toString());
  }

  @Test
  void cache_secondCompile_comesFromIt() throws IOException {
    Path file = TestModels.convolutionIn(folder, SIDE);
    Path cache = Files.createDirectory(folder.resolve("cache"));
    Map<String, String> cached =
        Map.of("INFERENCE_PRECISION_HINT", "f32", "CACHE_DIR", cache.toString());
    for (boolean before : new boolean[] {false, true}) {
      try (CompiledModel compiled = core.compile(file, "CPU", cached)) {
        assertEquals(before, compiled.loadedFromCache());
      }
    }
    try (var files = Files.list(cache)) {
      assertTrue(files.findAny().isPresent());
    }
    try (CompiledModel compiled = compiled(file, FP32)) {
      assertFalse(compiled.loadedFromCache());
    }
  }

  @Test
  void export_takenBack_computesTheSame() throws IOException {
    Path file = TestModels.convolutionIn(folder, SIDE);
    float[] expected = run(core.readModel(file));
    Path exported = folder.resolve("exported.blob");
    try (CompiledModel compiled = compiled(file, FP32)) {
      compiled.exportTo(exported);
      compiled.exportTo(exported);
      assertThrows(
          UncheckedIOException.class, () -> compiled.exportTo(folder.resolve("none/blob")));
    }
    try (CompiledModel imported = core.importModel(exported, "CPU")) {
      assertArrayEquals(expected, run(imported, values()));
    }
    byte[] bytes = Files.readAllBytes(exported);
    try (CompiledModel imported = core.importModel(bytes, "CPU")) {
      java.util.Arrays.fill(bytes, (byte) 0);
      assertArrayEquals(expected, run(imported, values()));
    }
    try (var files = Files.list(folder)) {
      assertTrue(files.noneMatch(each -> each.toString().endsWith(".part")));
    }
    assertThrows(UncheckedIOException.class, () -> core.importModel(folder.resolve("no"), "CPU"));
    assertThrows(IllegalArgumentException.class, () -> core.importModel(new byte[0], "CPU"));
    assertThrows(OpenVinoException.class, () -> core.importModel(exported, "TPU"));
  }

  private CompiledModel compiled(Path file, Map<String, String> properties) {
    try (Model model = core.readModel(file)) {
      model.reshape(1, 3, SIDE, SIDE);
      return core.compile(model, "CPU", properties);
    }
  }

  private float[] run(Model model) {
    return run(model, values());
  }

  private float[] run(Model model, float[] image) {
    return run(model, image, "CPU");
  }

  private float[] run(Model model, float[] image, String device) {
    model.reshape(1, 3, SIDE, SIDE);
    CompiledModel compiled = core.compile(model, device, device.equals("CPU") ? FP32 : Map.of());
    model.close();
    try (compiled) {
      return run(compiled, image);
    }
  }

  private static float[] run(CompiledModel compiled, float[] image) {
    try (InferRequest request = compiled.createInferRequest()) {
      request.inputTensor(0).write(0, image, 0, IMAGE);
      request.infer();
      return request.output();
    }
  }

  private static float[] values() {
    float[] values = new float[IMAGE];
    for (int i = 0; i < IMAGE; i++) {
      values[i] = (i * 37 % 101) / 50f - 1;
    }
    return values;
  }
}
