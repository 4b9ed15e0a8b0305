package io.pulmo.serving.backend;

import io.pulmo.model.Finding;
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
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;

/** A network on OpenVINO's processor plugin in float32. */
public final class OpenVinoBackend implements Backend {
  private record Place(InferRequest request, Tensor input) {}

  private final Core core;
  private final CompiledModel compiled;
  private final int places;
  private final Queue<Place> free = new ConcurrentLinkedQueue<>();
  private final Semaphore permits;

  private OpenVinoBackend(Core core, CompiledModel compiled, int cropPixels) {
    this.core = core;
    this.compiled = compiled;
    this.places = compiled.optimalRequests();
    this.permits = new Semaphore(places, true);
    for (int i = 0; i < places; i++) {
      Tensor input =
          Tensor.allocate(ElementType.F32, Preprocessing.CROPS, 3, cropPixels, cropPixels);
      InferRequest request = compiled.createInferRequest();
      request.setInput(input);
      free.add(new Place(request, input));
    }
  }

  /**
   * Compiles an ONNX file for this machine's processor.
   *
   * @param cropPixels the side of the crops
   * @param threads how many threads compute
   * @throws BackendUnavailableException if OpenVINO is not there
   * @throws OpenVinoException if it cannot use the file
   */
  public static OpenVinoBackend open(Path onnx, int cropPixels, int threads) {
    Core core;
    try {
      core = Core.create();
    } catch (OpenVinoNotFoundException e) {
      throw new BackendUnavailableException(Mode.FP32, String.valueOf(e.getMessage()), e);
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
      return new OpenVinoBackend(core, compiled, cropPixels);
    } catch (OpenVinoException e) {
      core.close();
      throw e;
    }
  }

  @Override
  public Mode mode() {
    return Mode.FP32;
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
