package io.pulmo.openvino;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Threads that use the same objects and close them under each other: what is refused must be
 * refused by an exception that says so, what is computed must be right, and the process live on.
 *
 * <p>Arguments: a folder to work in, how many rounds, the seed.
 */
final class Stress {
  private static final int SIDE = 16;
  private static final int THREADS = 4;
  private static final int STEPS = 60;
  private static final Map<String, String> FP32 = Map.of("INFERENCE_PRECISION_HINT", "f32");

  private final Core watcher;
  private final Path file;
  private final float[] expected;
  private final AtomicLong computed = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();

  private Stress(Core core, Path file) {
    this.watcher = core;
    this.file = file;
    try (Shared once = new Shared(core)) {
      InferRequest request = once.requests.getFirst();
      request.setInput(once.inputs.getFirst());
      request.infer();
      expected = request.output();
    }
  }

  public static void main(String[] arguments) throws Exception {
    Path file = TestModels.convolutionIn(Path.of(arguments[0]), SIDE);
    int rounds = Integer.parseInt(arguments[1]);
    long seed = Long.parseLong(arguments[2]);
    try (Core core = Core.create()) {
      Stress stress = new Stress(core, file);
      for (int round = 0; round < rounds; round++) {
        stress.round(seed * 1_000_003 + round);
      }
      if (stress.computed.get() == 0 || stress.refused.get() == 0) {
        throw new AssertionError("nothing was computed, or nothing refused");
      }
      System.out.println(
          "survived "
              + rounds
              + " rounds: computed "
              + stress.computed
              + ", refused "
              + stress.refused);
    }
  }

  /** What the threads of a round share. */
  private final class Shared implements AutoCloseable {
    final Core core;
    final Model model;
    final CompiledModel compiled;
    final List<InferRequest> requests = new ArrayList<>();
    final List<Tensor> inputs = new ArrayList<>();
    final List<Tensor> outputs = new ArrayList<>();

    Shared(Core core) {
      this.core = core;
      model = core.readModel(file);
      model.reshape(1, 3, SIDE, SIDE);
      compiled = core.compile(model, "CPU", FP32);
      for (int i = 0; i < 2; i++) {
        requests.add(compiled.createInferRequest());
        Tensor input = Tensor.allocate(ElementType.F32, 1, 3, SIDE, SIDE);
        float[] values = new float[3 * SIDE * SIDE];
        for (int v = 0; v < values.length; v++) {
          values[v] = (v * 29 % 53) / 20f - 1;
        }
        input.write(0, values, 0, values.length);
        inputs.add(input);
        outputs.add(Tensor.allocate(ElementType.F32, 1, TestModels.CHANNELS, 1, 1));
      }
    }

    @Override
    public void close() {
      requests.forEach(InferRequest::close);
      inputs.forEach(Tensor::close);
      outputs.forEach(Tensor::close);
      compiled.close();
      model.close();
    }
  }

  private void round(long seed) throws InterruptedException, ExecutionException, TimeoutException {
    Core core = seed % 5 == 0 ? Core.create() : watcher;
    try (Shared shared = new Shared(core);
        ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      CyclicBarrier together = new CyclicBarrier(THREADS);
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        Random random = new Random(seed * THREADS + t);
        all.add(
            threads.submit(
                () -> {
                  together.await();
                  for (int step = 0; step < STEPS; step++) {
                    step(shared, random);
                  }
                  return null;
                }));
      }
      for (Future<?> each : all) {
        each.get(2, TimeUnit.MINUTES);
      }
    }
    if (core != watcher) {
      core.close();
    }
  }

  private void step(Shared shared, Random random) throws IOException {
    try {
      act(shared, random);
    } catch (IllegalStateException e) {
      refused.incrementAndGet();
    } catch (OpenVinoException e) {
      requireCancelled(e, e);
    } catch (CompletionException e) {
      if (!(e.getCause() instanceof IllegalStateException)) {
        requireCancelled(e.getCause() instanceof OpenVinoException cause ? cause : null, e);
      }
      refused.incrementAndGet();
    }
  }

  private void requireCancelled(@Nullable OpenVinoException e, Exception whole) {
    if (e == null || !e.cancelled()) {
      throw new AssertionError("neither refused nor cancelled", whole);
    }
    refused.incrementAndGet();
  }

  private void act(Shared shared, Random random) {
    int which = random.nextInt(2);
    InferRequest request = shared.requests.get(which);
    Tensor input = shared.inputs.get(random.nextInt(2));
    // A close now and then, so that much is computed before all is closed.
    boolean close = random.nextInt(30) == 0;
    switch (close ? random.nextInt(6) : 6 + random.nextInt(34)) {
      case 0 -> request.close();
      case 1 -> input.close();
      case 2 -> shared.compiled.close();
      case 3 -> shared.model.close();
      case 4 -> {
        if (shared.core != watcher) {
          shared.core.close();
        }
      }
      case 5 -> shared.outputs.get(random.nextInt(2)).close();
      case 6, 7 -> request.cancel();
      case 8, 9, 10 -> request.setOutput(shared.outputs.get(which));
      case 11, 12, 13, 14 -> check(request.output());
      case 15, 16 -> request.startAsync();
      case 17, 18, 19 -> request.waitFor(Duration.ofMillis(random.nextInt(3)));
      case 20, 21, 22, 23 ->
          request.inferAsync().thenAccept(done -> done.copyOutput(0).close()).join();
      case 24 -> request.inferAsync().cancel(true);
      case 25 -> fresh(shared);
      case 26 -> shared.model.reshape(1, 3, SIDE, SIDE);
      case 27 -> shared.core.compile(shared.model, "CPU", FP32).close();
      case 28 -> shared.compiled.property("NUM_STREAMS");
      case 29 -> request.outputTensor(0).segment();
      default -> {
        request.setInput(input);
        request.infer();
        check(request.output());
      }
    }
  }

  private void fresh(Shared shared) {
    try (InferRequest own = shared.compiled.createInferRequest()) {
      own.setInput(shared.inputs.getFirst());
      own.infer();
      check(own.output());
    }
  }

  private void check(float[] output) {
    for (int i = 0; i < expected.length; i++) {
      if (Math.abs(output[i] - expected[i]) > 1e-5f) {
        throw new AssertionError("output " + i + " is " + output[i] + ", not " + expected[i]);
      }
    }
    computed.incrementAndGet();
  }
}
