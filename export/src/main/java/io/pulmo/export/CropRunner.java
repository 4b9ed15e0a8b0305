package io.pulmo.export;

import io.pulmo.openvino.CompiledModel;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.ElementType;
import io.pulmo.openvino.InferRequest;
import io.pulmo.openvino.Model;
import io.pulmo.openvino.Tensor;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A model on the processor that answers crop after crop, several at a time. */
final class CropRunner implements AutoCloseable {
  /** Long enough for any crop on any machine; a wait that ends is only begun again. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final Map<String, String> PROPERTIES =
      Map.of("PERFORMANCE_HINT", "THROUGHPUT", "INFERENCE_PRECISION_HINT", "f32");

  private final int cropSize;
  private final CompiledModel compiled;
  private final List<Slot> slots = new ArrayList<>();

  private record Slot(InferRequest request, Tensor input) {}

  private CropRunner(int cropPixels, CompiledModel compiled) {
    this.cropSize = 3 * cropPixels * cropPixels;
    this.compiled = compiled;
  }

  /** Compiles an ONNX model whose input has the shape N, 3, cropPixels, cropPixels. */
  static CropRunner open(Core core, byte[] onnx, int cropPixels) {
    try (Model model = core.readModel(onnx)) {
      model.reshape(1, 3, cropPixels, cropPixels);
      CropRunner runner = new CropRunner(cropPixels, core.compile(model, "CPU", PROPERTIES));
      try {
        runner.addSlots(cropPixels);
        return runner;
      } catch (RuntimeException | Error e) {
        runner.close();
        throw e;
      }
    }
  }

  private void addSlots(int cropPixels) {
    int count = compiled.optimalRequests();
    for (int i = 0; i < count; i++) {
      Tensor input = Tensor.allocate(ElementType.F32, 1, 3, cropPixels, cropPixels);
      InferRequest request = compiled.createInferRequest();
      slots.add(new Slot(request, input));
      request.setInput(input);
    }
  }

  /**
   * Runs crop after crop.
   *
   * @param crops each of 3 × side × side floats
   * @param answers takes the model's output for each crop, in the order of the crops
   * @throws IllegalArgumentException if a crop has another size
   */
  void run(Iterator<float[]> crops, Consumer<float[]> answers) {
    ArrayDeque<Slot> idle = new ArrayDeque<>(slots);
    ArrayDeque<Slot> running = new ArrayDeque<>();
    while (crops.hasNext() || !running.isEmpty()) {
      if (crops.hasNext() && !idle.isEmpty()) {
        float[] crop = crops.next();
        if (crop.length != cropSize) {
          throw new IllegalArgumentException(
              "a crop has " + crop.length + " floats, expected " + cropSize);
        }
        Slot slot = idle.remove();
        slot.input.write(0, crop, 0, cropSize);
        slot.request.startAsync();
        running.add(slot);
      } else {
        Slot slot = running.remove();
        while (!slot.request.waitFor(PATIENCE)) {
          // It is still computing.
        }
        answers.accept(slot.request.output());
        idle.add(slot);
      }
    }
  }

  @Override
  public void close() {
    for (Slot slot : slots) {
      slot.request.close();
      slot.input.close();
    }
    compiled.close();
  }
}
