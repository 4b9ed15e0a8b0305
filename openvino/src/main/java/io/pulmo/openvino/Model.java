package io.pulmo.openvino;

import java.lang.foreign.MemorySegment;

/** A network as read from its file, not yet compiled. For one thread at a time. */
public final class Model implements AutoCloseable {
  private final OpenVinoNative openVino;
  private final Handle handle;

  Model(OpenVinoNative openVino, Handle core, MemorySegment pointer) {
    this.openVino = openVino;
    this.handle = new Handle("Model", pointer, openVino::modelFree, core);
  }

  Handle handle() {
    return handle;
  }

  /**
   * Fixes the shape of the model's only input.
   *
   * @param shape every dimension a number; for crops: count, 3, side, side
   * @throws OpenVinoException if the network cannot take it, or has several inputs
   */
  public void reshape(long... shape) {
    OpenVinoNative.requireShape(shape);
    handle.run(model -> openVino.reshape(model, shape));
  }

  @Override
  public void close() {
    handle.close();
  }
}
