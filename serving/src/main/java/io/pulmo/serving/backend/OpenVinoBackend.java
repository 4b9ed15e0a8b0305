package io.pulmo.serving.backend;

import io.pulmo.model.Finding;
import io.pulmo.model.bundle.BundleException;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.openvino.CompiledModel;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.ElementType;
import io.pulmo.openvino.InferRequest;
import io.pulmo.openvino.Model;
import io.pulmo.openvino.OpenVinoException;
import io.pulmo.openvino.OpenVinoNotFoundException;
import io.pulmo.openvino.Tensor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A network on OpenVINO's processor plugin, in float32 or quantized.
 *
 * <p>A study is cut into requests of a few crops each, which run on OpenVINO's streams side by
 * side: a lone study has all of them. Studies hand in their requests in the order in which they
 * come, one study after the other, and OpenVINO takes them in that order; so the first is answered
 * first, and no stream is idle while a request waits.
 */
public final class OpenVinoBackend implements Backend {
  private static final Duration WAIT = Duration.ofMinutes(1);

  /** A request with the memory that its crops are written to. */
  private record Place(InferRequest request, Tensor input) {}

  /** A request that runs, and the first of its crops. */
  private record Piece(Place place, int firstCrop) {}

  private final Optional<WeightRange> weightRange;
  private final ExecutionPlan plan;
  private final int cropSize;
  private final Core core;
  private final CompiledModel compiled;
  private final Places<Place> places;

  /** Held by the study that hands in its requests. Nobody waits for it who holds a place. */
  private final ReentrantLock turn = new ReentrantLock(true);

  private OpenVinoBackend(
      Optional<WeightRange> weightRange,
      ExecutionPlan plan,
      int cropSize,
      Core core,
      CompiledModel compiled) {
    this.weightRange = weightRange;
    this.plan = plan;
    this.cropSize = cropSize;
    this.core = core;
    this.compiled = compiled;
    this.places = new Places<>(plan.requests());
  }

  /**
   * Compiles an ONNX file for this machine's processor.
   *
   * @param weightRange which weights the file has; empty where it is not quantized
   * @param cropPixels the side of the crops
   * @param plan how studies are spread over the machine
   * @param threads how many threads compute
   * @param compiledModels a folder in which OpenVINO finds what it compiled before, and keeps it;
   *     empty for none
   * @throws BackendUnavailableException if OpenVINO is not there or does not load
   * @throws OpenVinoException if it cannot use the file
   * @throws BundleException if the file is a model of something else
   */
  public static OpenVinoBackend open(
      Path onnx,
      Optional<WeightRange> weightRange,
      int cropPixels,
      ExecutionPlan plan,
      int threads,
      Optional<Path> compiledModels)
      throws BundleException {
    Core core;
    try {
      core = Core.create();
    } catch (OpenVinoNotFoundException | OpenVinoException e) {
      throw new BackendUnavailableException(modeOf(weightRange), String.valueOf(e.getMessage()), e);
    }
    try (Model model = core.readModel(onnx)) {
      // Static shapes: the plugin plans its memory and its kernels for them.
      model.reshape(plan.cropsPerRequest(), 3, cropPixels, cropPixels);
      CompiledModel compiled =
          core.compile(model, "CPU", properties(plan, threads, compiledModels));
      return place(weightRange, plan, core, compiled, onnx, cropPixels);
    } catch (BundleException | RuntimeException | Error e) {
      core.close();
      throw e;
    }
  }

  private static Map<String, String> properties(
      ExecutionPlan plan, int threads, Optional<Path> compiledModels) {
    Map<String, String> properties = new HashMap<>();
    properties.put("PERFORMANCE_HINT", "THROUGHPUT");
    // A processor with bfloat16 would use it unasked, for what is not quantized of int8 as well.
    properties.put("INFERENCE_PRECISION_HINT", "f32");
    properties.put("INFERENCE_NUM_THREADS", Integer.toString(threads));
    properties.put("NUM_STREAMS", Integer.toString(plan.streams()));
    properties.put("ENABLE_CPU_PINNING", plan.pinned() ? "YES" : "NO");
    compiledModels.ifPresent(folder -> properties.put("CACHE_DIR", folder.toString()));
    return properties;
  }

  private static OpenVinoBackend place(
      Optional<WeightRange> weightRange,
      ExecutionPlan plan,
      Core core,
      CompiledModel compiled,
      Path onnx,
      int cropPixels)
      throws BundleException {
    int crops = plan.cropsPerRequest();
    OpenVinoBackend backend;
    try {
      List<Long> expected = List.of((long) crops, (long) Finding.COUNT);
      List<Long> shape = compiled.outputShape();
      if (!shape.equals(expected)) {
        throw new BundleException(
            onnx
                + " answers in the shape "
                + shape
                + ", expected "
                + expected
                + "; export it again");
      }
      backend = new OpenVinoBackend(weightRange, plan, 3 * cropPixels * cropPixels, core, compiled);
    } catch (BundleException | RuntimeException | Error e) {
      compiled.close();
      throw e;
    }
    try {
      for (int i = 0; i < plan.requests(); i++) {
        Tensor input = Tensor.allocate(ElementType.F32, crops, 3, cropPixels, cropPixels);
        InferRequest request = compiled.createInferRequest();
        backend.places.add(new Place(request, input));
        request.setInput(input);
      }
      return backend;
    } catch (RuntimeException | Error e) {
      backend.close();
      throw e;
    }
  }

  @Override
  public Mode mode() {
    return modeOf(weightRange);
  }

  @Override
  public Optional<WeightRange> weightRange() {
    return weightRange;
  }

  private static Mode modeOf(Optional<WeightRange> weightRange) {
    return weightRange.isPresent() ? Mode.INT8 : Mode.FP32;
  }

  /** How studies are spread over the machine. */
  public ExecutionPlan plan() {
    return plan;
  }

  @Override
  public int parallelism() {
    return plan.studiesInFlight();
  }

  @Override
  public float[] judge(float[] crops) {
    float[] perCrop = new float[Preprocessing.CROPS * Finding.COUNT];
    Deque<Piece> running = new ArrayDeque<>();
    try {
      handIn(crops, running, perCrop);
      while (!running.isEmpty()) {
        places.giveBack(collect(running.remove(), perCrop));
      }
      return mean(perCrop);
    } finally {
      // Only where one of them failed: what else runs of the study still reads its input.
      running.forEach(this::abandon);
    }
  }

  /** Starts all requests of a study; where they are more than there are places, its first end. */
  private void handIn(float[] crops, Deque<Piece> running, float[] perCrop) {
    int count = plan.cropsPerRequest();
    turn.lock();
    try {
      for (int crop = 0; crop < Preprocessing.CROPS; crop += count) {
        Place place = place(running, perCrop);
        try {
          place.input.write(0, crops, crop * cropSize, count * cropSize);
          place.request.startAsync();
        } catch (RuntimeException | Error e) {
          places.giveBack(place);
          throw e;
        }
        running.add(new Piece(place, crop));
      }
    } finally {
      turn.unlock();
    }
  }

  /** A place for the next request: the study's own first, once it is done, if it has them all. */
  private Place place(Deque<Piece> running, float[] perCrop) {
    return places.take(running.size()).orElseGet(() -> collect(running.remove(), perCrop));
  }

  /** Waits for a request and copies its answers; its place is then for the caller to use. */
  private Place collect(Piece piece, float[] perCrop) {
    try {
      await(piece.place.request);
      float[] output = piece.place.request.output();
      System.arraycopy(output, 0, perCrop, piece.firstCrop * Finding.COUNT, output.length);
      return piece.place;
    } catch (RuntimeException | Error e) {
      places.giveBack(piece.place);
      throw e;
    }
  }

  private static void await(InferRequest request) {
    boolean done = false;
    while (!done) {
      done = request.waitFor(WAIT);
    }
  }

  private void abandon(Piece piece) {
    try {
      await(piece.place.request);
    } catch (OpenVinoException alsoFailed) {
      // Whoever asked is told of the first failure; this one is the same study's.
    } finally {
      places.giveBack(piece.place);
    }
  }

  private static float[] mean(float[] perCrop) {
    float[] means = new float[Finding.COUNT];
    for (int f = 0; f < Finding.COUNT; f++) {
      double sum = 0;
      for (int c = 0; c < Preprocessing.CROPS; c++) {
        sum += perCrop[c * Finding.COUNT + f];
      }
      means[f] = (float) (sum / Preprocessing.CROPS);
    }
    return means;
  }

  @Override
  public void close() {
    // In its turn: a study that is still handing in would wait behind this one, which waits for it.
    turn.lock();
    try {
      places.takeOut(
          place -> {
            place.request.close();
            place.input.close();
          });
    } finally {
      turn.unlock();
    }
    compiled.close();
    core.close();
  }

  /** For tests: what the plugin made of a property. */
  String property(String key) {
    return compiled.property(key);
  }
}
