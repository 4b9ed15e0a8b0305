package io.pulmo.openvino;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** A model ready to run on its device. Safe for use by several threads. */
public final class CompiledModel implements AutoCloseable {
  private final OpenVinoNative openVino;
  private final Handle handle;

  CompiledModel(OpenVinoNative openVino, Handle core, MemorySegment pointer) {
    this.openVino = openVino;
    this.handle = new Handle("CompiledModel", pointer, openVino::compiledModelFree, core);
  }

  /** The shape of the only input, fixed before compiling. */
  public List<Long> inputShape() {
    return handle.use(openVino::inputShape);
  }

  /** The shape of the only output. */
  public List<Long> outputShape() {
    return handle.use(openVino::outputShape);
  }

  /**
   * What the device decided, such as {@code OPTIMAL_NUMBER_OF_INFER_REQUESTS} or {@code
   * INFERENCE_PRECISION_HINT}.
   */
  public String property(String key) {
    return handle.use(compiled -> openVino.compiledProperty(compiled, key));
  }

  /** How many requests in flight keep the device busy. */
  public int optimalRequests() {
    return Integer.parseInt(property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"));
  }

  /** A place in which one inference at a time runs; several of them run side by side. */
  public InferRequest createInferRequest() {
    return new InferRequest(openVino, handle, handle.use(openVino::createInferRequest));
  }

  /** Frees the model once all of its requests are closed as well. */
  @Override
  public void close() {
    handle.close();
  }
}
