package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** The binding against the real runtime, on a model that takes the sigmoid of its input. */
class OpenVinoTest {
  private static final int SIDE = 4;
  private static final int CROP = 3 * SIDE * SIDE;
  private static final Map<String, String> FP32 = Map.of("INFERENCE_PRECISION_HINT", "f32");
  private static final Duration LONG = Duration.ofMinutes(1);

  private Path folder;
  private Core core;

  @BeforeEach
  void start(@TempDir Path temporary) throws IOException {
    folder = temporary;
    Files.writeString(folder.resolve("sigmoid.xml"), TestModels.sigmoid());
    core = TestModels.coreOrSkip();
  }

  @AfterEach
  void stop() {
    if (core != null) {
      core.close();
    }
  }

  @Test
  void describe_runtime_namesLibraryAndVersion() {
    OpenVinoNatives.Found found = OpenVinoNatives.describe();
    assertTrue(Files.isRegularFile(found.location().library()));
    assertTrue(found.version().matches("20\\d\\d\\..*"), found.version());
    assertEquals(core.version(), found.version());
  }

  @Test
  void availableDevices_anyMachine_haveCpu() {
    assertTrue(core.availableDevices().contains("CPU"));
    assertTrue(!core.property("CPU", "FULL_DEVICE_NAME").isBlank());
  }

  @Test
  void compile_withProperties_areInForce() {
    try (CompiledModel compiled =
        compiled(
            2,
            Map.of(
                "INFERENCE_PRECISION_HINT", "f32",
                "INFERENCE_NUM_THREADS", "1",
                "PERFORMANCE_HINT", "THROUGHPUT"))) {
      assertEquals("f32", compiled.property("INFERENCE_PRECISION_HINT"));
      assertEquals("1", compiled.property("INFERENCE_NUM_THREADS"));
      assertTrue(compiled.optimalRequests() >= 1);
      assertEquals(List.of(2L, 3L, (long) SIDE, (long) SIDE), compiled.inputShape());
      assertEquals(List.of(2L, 3L, (long) SIDE, (long) SIDE), compiled.outputShape());
    }
  }

  @Test
  void infer_inputWrittenInParts_computesEachAnew() {
    try (CompiledModel compiled = compiled(2, Map.of());
        Tensor input = tensor(2);
        InferRequest request = compiled.createInferRequest()) {
      request.setInput(input);
      for (int round = 0; round < 3; round++) {
        float[] values = values(2 * CROP, round);
        input.write(0, values, 0, CROP);
        input.write(CROP, values, CROP, CROP);
        request.infer();
        assertArrayEquals(sigmoid(values), request.output(), 1e-6f);
      }
    }
  }

  @Test
  void startAsync_severalRequestsInFlight_answerTheirOwn() {
    try (CompiledModel compiled = compiled(1, FP32)) {
      List<InferRequest> requests = new ArrayList<>();
      List<Tensor> inputs = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        inputs.add(tensor(1));
        inputs.get(i).write(0, values(CROP, i), 0, CROP);
        requests.add(compiled.createInferRequest());
        requests.get(i).setInput(inputs.get(i));
        requests.get(i).startAsync();
      }
      for (int i = 0; i < 4; i++) {
        assertTrue(requests.get(i).waitFor(LONG));
        assertArrayEquals(sigmoid(values(CROP, i)), requests.get(i).output(), 1e-6f);
      }
      requests.forEach(InferRequest::close);
      inputs.forEach(Tensor::close);
    }
  }

  @Test
  void close_parentsAndInputFirst_requestStillRuns() {
    Core own = Core.create();
    Model model = own.readModel(folder.resolve("sigmoid.xml"));
    model.reshape(1, 3, SIDE, SIDE);
    CompiledModel compiled = own.compile(model, "CPU", FP32);
    InferRequest request = compiled.createInferRequest();
    Tensor input = tensor(1);
    input.write(0, values(CROP, 7), 0, CROP);
    request.setInput(input);
    own.close();
    model.close();
    compiled.close();
    input.close();
    request.infer();
    assertArrayEquals(sigmoid(values(CROP, 7)), request.output(), 1e-6f);
    request.close();
  }

  @Test
  void close_whileRunning_waitsAndFreesOnce() {
    for (int i = 0; i < 50; i++) {
      CompiledModel compiled = compiled(1, FP32);
      InferRequest request = compiled.createInferRequest();
      Tensor input = tensor(1);
      request.setInput(input);
      request.startAsync();
      input.close();
      compiled.close();
      request.close();
      request.close();
      assertThrows(IllegalStateException.class, request::infer);
    }
  }

  @Test
  void close_racingWithUse_neverCrashes() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
      for (int round = 0; round < 20; round++) {
        CompiledModel compiled = compiled(1, FP32);
        Tensor input = tensor(1);
        List<Future<?>> users = new ArrayList<>();
        for (int t = 0; t < 2; t++) {
          users.add(threads.submit(() -> useUntilClosed(compiled, input)));
        }
        compiled.close();
        input.close();
        for (Future<?> user : users) {
          user.get();
        }
      }
    }
  }

  private static void useUntilClosed(CompiledModel compiled, Tensor input) {
    try {
      while (true) {
        try (InferRequest request = compiled.createInferRequest()) {
          request.setInput(input);
          request.infer();
        }
      }
    } catch (IllegalStateException e) {
      assertTrue(e.toString().endsWith("is closed"), e.toString());
    }
  }

  @Test
  void readModel_missingFile_carriesOpenVinosText() {
    Path missing = folder.resolve("missing.onnx");
    OpenVinoException e = assertThrows(OpenVinoException.class, () -> core.readModel(missing));
    assertTrue(e.toString().contains("reading model " + missing), e.toString());
    assertFalse(e.toString().contains("\n"), e.toString());
    assertEquals("general error", e.status());
    assertTrue(e.toString().length() > ("reading model " + missing).length() + 50, e.toString());
  }

  @Test
  void readModel_garbage_isRefused() throws IOException {
    Path garbage = Files.writeString(folder.resolve("garbage.xml"), "<net version=");
    assertThrows(OpenVinoException.class, () -> core.readModel(garbage));
  }

  @Test
  void compile_unknownDevice_carriesOpenVinosText() {
    try (Model model = core.readModel(folder.resolve("sigmoid.xml"))) {
      OpenVinoException e =
          assertThrows(OpenVinoException.class, () -> core.compile(model, "TPU", Map.of()));
      assertTrue(e.toString().contains("TPU"), e.toString());
    }
  }

  @Test
  void compile_wrongPropertyValue_isRefused() {
    OpenVinoException e =
        assertThrows(
            OpenVinoException.class, () -> compiled(1, Map.of("PERFORMANCE_HINT", "SLOWLY")));
    assertTrue(e.toString().contains("SLOWLY"), e.toString());
  }

  @Test
  void reshape_dimensionZero_isRefused() {
    try (Model model = core.readModel(folder.resolve("sigmoid.xml"))) {
      assertThrows(IllegalArgumentException.class, () -> model.reshape(0, 3, SIDE, SIDE));
    }
  }

  @Test
  void setInput_wrongShape_carriesOpenVinosTextAndKeepsTheOld() {
    try (CompiledModel compiled = compiled(2, FP32);
        Tensor right = tensor(2);
        Tensor wrong = tensor(1);
        InferRequest request = compiled.createInferRequest()) {
      request.setInput(right);
      OpenVinoException e = assertThrows(OpenVinoException.class, () -> request.setInput(wrong));
      assertTrue(e.toString().contains("shape"), e.toString());
      request.infer();
      assertEquals(0.5f, request.output()[0], 1e-6f);
    }
  }

  @Test
  void setInput_wrongElementType_isRefused() {
    try (CompiledModel compiled = compiled(1, FP32);
        Tensor bytes = Tensor.allocate(ElementType.U8, 1, 3, SIDE, SIDE);
        InferRequest request = compiled.createInferRequest()) {
      assertThrows(OpenVinoException.class, () -> request.setInput(bytes));
      assertThrows(IllegalStateException.class, () -> bytes.write(0, new float[1], 0, 1));
    }
  }

  @Test
  void request_stepsOutOfOrder_sayWhatToCall() {
    try (CompiledModel compiled = compiled(1, FP32);
        Tensor input = tensor(1);
        InferRequest request = compiled.createInferRequest()) {
      assertTrue(message(request::infer).contains("setInput"));
      assertTrue(message(request::output).contains("infer"));
      assertTrue(message(() -> request.waitFor(LONG)).contains("startAsync"));
      request.setInput(input);
      request.startAsync();
      assertTrue(message(request::infer).contains("waitFor"));
      assertTrue(message(request::output).contains("waitFor"));
      assertTrue(request.waitFor(LONG));
    }
  }

  @Test
  void closedHandles_everyUse_throwsIllegalState() {
    Core own = Core.create();
    Model model = own.readModel(folder.resolve("sigmoid.xml"));
    own.close();
    own.close();
    model.close();
    assertThrows(IllegalStateException.class, own::availableDevices);
    assertThrows(IllegalStateException.class, () -> own.readModel(folder.resolve("sigmoid.xml")));
    assertThrows(IllegalStateException.class, () -> model.reshape(1, 3, SIDE, SIDE));
    assertThrows(IllegalStateException.class, () -> core.compile(model, "CPU", FP32));
    CompiledModel compiled = compiled(1, FP32);
    InferRequest request = compiled.createInferRequest();
    compiled.close();
    assertThrows(IllegalStateException.class, compiled::createInferRequest);
    assertThrows(IllegalStateException.class, compiled::inputShape);
    Tensor input = tensor(1);
    input.close();
    assertThrows(IllegalStateException.class, () -> request.setInput(input));
    assertThrows(IllegalStateException.class, () -> input.write(0, new float[1], 0, 1));
    request.close();
    assertThrows(IllegalStateException.class, request::output);
    assertThrows(IllegalStateException.class, request::startAsync);
    assertThrows(IllegalStateException.class, () -> request.waitFor(LONG));
  }

  @Test
  void write_beyondTheEnd_isRefused() {
    try (Tensor input = tensor(1)) {
      assertThrows(
          IndexOutOfBoundsException.class, () -> input.write(CROP - 1, new float[2], 0, 2));
      assertThrows(IndexOutOfBoundsException.class, () -> input.write(0, new float[2], 1, 2));
    }
  }

  private static String message(Executable call) {
    return assertThrows(IllegalStateException.class, call).toString();
  }

  private CompiledModel compiled(int crops, Map<String, String> properties) {
    try (Model model = core.readModel(folder.resolve("sigmoid.xml"))) {
      model.reshape(crops, 3, SIDE, SIDE);
      return core.compile(model, "CPU", properties);
    }
  }

  private static Tensor tensor(int crops) {
    return Tensor.allocate(ElementType.F32, crops, 3, SIDE, SIDE);
  }

  private static float[] values(int count, int seed) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = ((i * 37 + seed * 11) % 101) / 10f - 5;
    }
    return values;
  }

  private static float[] sigmoid(float[] values) {
    float[] all = new float[values.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = (float) (1 / (1 + Math.exp(-values[i])));
    }
    return all;
  }
}
