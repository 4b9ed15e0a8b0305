package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Inferences that go on while the caller does something else. */
class AsyncTest {
  private static final int SIDE = 512;
  private static final Duration LONG = Duration.ofMinutes(1);

  private Core core;

  @BeforeEach
  void start() {
    core = TestModels.coreOrSkip();
  }

  @AfterEach
  void stop() {
    if (core != null) {
      core.close();
    }
  }

  @Test
  void inferAsync_manyRequests_eachCompletesWithItsOwn() throws Exception {
    try (CompiledModel compiled = compiled(16, 2)) {
      List<InferRequest> requests = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        requests.add(compiled.createInferRequest());
      }
      for (int round = 0; round < 5; round++) {
        List<CompletableFuture<float[]>> futures = new ArrayList<>();
        for (int i = 0; i < requests.size(); i++) {
          fill(requests.get(i), i + round);
          futures.add(requests.get(i).inferAsync().thenApply(InferRequest::output));
        }
        for (int i = 0; i < requests.size(); i++) {
          InferRequest alone = requests.get(i);
          float[] got = futures.get(i).get(1, TimeUnit.MINUTES);
          alone.infer();
          assertArrayEquals(alone.output(), got);
        }
      }
      assertTrue(waiters() <= compiled.optimalRequests(), waiters() + " threads wait");
      requests.forEach(InferRequest::close);
    }
  }

  private static long waiters() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("openvino-wait-"))
        .count();
  }

  @Test
  void inferAsync_whileRunning_othersAreRefusedAndWaitForJoins() throws Exception {
    try (CompiledModel compiled = compiled(SIDE, 8);
        InferRequest request = compiled.createInferRequest()) {
      fill(request, 1);
      CompletableFuture<InferRequest> future = request.inferAsync();
      assertThrows(IllegalStateException.class, request::inferAsync);
      assertThrows(IllegalStateException.class, request::infer);
      assertThrows(IllegalStateException.class, request::output);
      assertThrows(IllegalStateException.class, () -> request.inputTensor(0));
      assertFalse(request.waitFor(Duration.ZERO));
      assertSame(request, future.get(1, TimeUnit.MINUTES));
      assertEquals(8 * TestModels.CHANNELS, request.output().length);
      request.startAsync();
      assertTrue(request.waitFor(Duration.ofSeconds(Long.MAX_VALUE)));
    }
  }

  @Test
  void cancel_running_endsItAndTheRequestGoesOn() throws Exception {
    try (CompiledModel compiled = compiled(SIDE, 8);
        InferRequest request = compiled.createInferRequest()) {
      fill(request, 1);
      request.cancel();
      int cancelled = 0;
      for (int i = 0; i < 5; i++) {
        request.startAsync();
        request.cancel();
        try {
          assertTrue(request.waitFor(LONG));
        } catch (OpenVinoException e) {
          assertTrue(e.cancelled(), e.toString());
          cancelled++;
          assertThrows(IllegalStateException.class, request::output);
        }
      }
      assertTrue(cancelled > 0, "none of five was cancelled");
      request.infer();
      assertEquals(8 * TestModels.CHANNELS, request.output().length);
    }
  }

  @Test
  void cancel_fromAnotherThread_endsInferAndFuture() throws Exception {
    try (CompiledModel compiled = compiled(SIDE, 8);
        InferRequest request = compiled.createInferRequest()) {
      fill(request, 1);
      CompletableFuture<InferRequest> future = request.inferAsync();
      request.cancel();
      ExecutionException e =
          assertThrows(ExecutionException.class, () -> future.get(1, TimeUnit.MINUTES));
      assertTrue(
          e.getCause() instanceof OpenVinoException cause && cause.cancelled(), e.toString());
    }
  }

  @Test
  void cancel_ofTheFuture_cancelsTheInference() throws Exception {
    try (CompiledModel compiled = compiled(SIDE, 8);
        InferRequest request = compiled.createInferRequest()) {
      fill(request, 1);
      CompletableFuture<InferRequest> future = request.inferAsync();
      assertTrue(future.cancel(true));
      assertThrows(CancellationException.class, future::join);
    }
  }

  @Test
  void close_withFuturePending_waitsAndCompletesIt() throws Exception {
    for (int i = 0; i < 10; i++) {
      CompiledModel compiled = compiled(128, 4);
      InferRequest request = compiled.createInferRequest();
      fill(request, i);
      CompletableFuture<InferRequest> future = request.inferAsync();
      compiled.close();
      request.close();
      assertSame(request, future.get(1, TimeUnit.MINUTES));
      assertThrows(IllegalStateException.class, request::output);
    }
  }

  @Test
  void inferAsync_closesItselfWhenDone_isFine() throws Exception {
    try (CompiledModel compiled = compiled(16, 1)) {
      List<CompletableFuture<Void>> all =
          IntStream.range(0, 20)
              .mapToObj(
                  i -> {
                    InferRequest request = compiled.createInferRequest();
                    fill(request, i);
                    return request.inferAsync().thenAccept(InferRequest::close);
                  })
              .toList();
      CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).get(1, TimeUnit.MINUTES);
    }
  }

  private CompiledModel compiled(int side, int images) {
    byte[] bytes = TestModels.convolutionWeights();
    try (Tensor weights = Tensor.allocate(ElementType.U8, bytes.length)) {
      weights.write(0, bytes, 0, bytes.length);
      try (Model model =
          core.readModel(TestModels.convolution(side).getBytes(StandardCharsets.UTF_8), weights)) {
        model.reshape(images, 3, side, side);
        return core.compile(model, "CPU", Map.of("INFERENCE_PRECISION_HINT", "f32"));
      }
    }
  }

  private static void fill(InferRequest request, int seed) {
    Tensor input = request.inputTensor(0);
    float[] values = new float[Math.toIntExact(input.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = ((i * 31 + seed * 17) % 103) / 50f - 1;
    }
    input.write(0, values, 0, values.length);
  }
}
