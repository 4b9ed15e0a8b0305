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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;

/** A network on OpenVINO's processor plugin, in float32 or quantized. */
public final class OpenVinoBackend implements Backend {
  private record Place(InferRequest request, Tensor input) {}

  private static final List<Long> OUTPUT =
      List.of((long) Preprocessing.CROPS, (long) Finding.COUNT);

  private final Core core;
  private final CompiledModel compiled;
  private final int places;
  private final Queue<Place> free = new ConcurrentLinkedQueue<>();
  private final Semaphore permits;

  private final Optional<WeightRange> weightRange;

  private OpenVinoBackend(
      Optional<WeightRange> weightRange, Core core, CompiledModel compiled, int places) {
    this.weightRange = weightRange;
    this.core = core;
    this.compiled = compiled;
    this.places = places;
    this.permits = new Semaphore(places, true);
  }

  /**
   * Compiles an ONNX file for this machine's processor.
   *
   * @param weightRange which weights the file has; empty where it is not quantized
   * @param cropPixels the side of the crops
   * @param threads how many threads compute
   * @throws BackendUnavailableException if OpenVINO is not there or does not load
   * @throws OpenVinoException if it cannot use the file
   * @throws BundleException if the file is a model of something else
   */
  public static OpenVinoBackend open(
      Path onnx, Optional<WeightRange> weightRange, int cropPixels, int threads)
      throws BundleException {
    Core core;
    try {
      core = Core.create();
    } catch (OpenVinoNotFoundException | OpenVinoException e) {
      throw new BackendUnavailableException(modeOf(weightRange), String.valueOf(e.getMessage()), e);
    }
    try (Model model = core.readModel(onnx)) {
      // Static shapes: the plugin plans its memory and its kernels for them.
      model.reshape(Preprocessing.CROPS, 3, cropPixels, cropPixels);
      CompiledModel compiled =
          core.compile(
              model,
              "CPU",
              Map.of(
                  "PERFORMANCE_HINT", "THROUGHPUT",
                  // A processor with bfloat16 would use it unasked.
                  "INFERENCE_PRECISION_HINT", "f32",
                  "INFERENCE_NUM_THREADS", Integer.toString(threads)));
      return place(weightRange, core, compiled, onnx, cropPixels);
    } catch (BundleException | RuntimeException | Error e) {
      core.close();
      throw e;
    }
  }

  private static OpenVinoBackend place(
      Optional<WeightRange> weightRange,
      Core core,
      CompiledModel compiled,
      Path onnx,
      int cropPixels)
      throws BundleException {
    OpenVinoBackend backend;
    try {
      List<Long> shape = compiled.outputShape();
      if (!shape.equals(OUTPUT)) {
        throw new BundleException(
            onnx + " answers in the shape " + shape + ", expected " + OUTPUT + "; export it again");
      }
      backend = new OpenVinoBackend(weightRange, core, compiled, compiled.optimalRequests());
    } catch (BundleException | RuntimeException | Error e) {
      compiled.close();
      throw e;
    }
    try {
      for (int i = 0; i < backend.places; i++) {
        Tensor input =
            Tensor.allocate(ElementType.F32, Preprocessing.CROPS, 3, cropPixels, cropPixels);
        InferRequest request = compiled.createInferRequest();
        backend.free.add(new Place(request, input));
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

  @Override
  public int parallelism() {
    return places;
  }

  @Override
  public float[] judge(float[] crops) {
    // Not to be interrupted: a server that stops still answers what it has begun.
    permits.acquireUninterruptibly();
    Place place = free.poll();
    if (place == null) {
      permits.release();
      throw new IllegalStateException("this backend is closed: open another");
    }
    try {
      place.input.write(0, crops, 0, Math.toIntExact(place.input.size()));
      place.request.infer();
      return mean(place.request.output());
    } finally {
      free.add(place);
      permits.release();
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
    permits.acquireUninterruptibly(places);
    for (Place place = free.poll(); place != null; place = free.poll()) {
      place.request.close();
      place.input.close();
    }
    permits.release(places);
    compiled.close();
    core.close();
  }

  /** For tests: what the plugin made of the request for float32. */
  String inferencePrecision() {
    return compiled.property("INFERENCE_PRECISION_HINT");
  }
}
