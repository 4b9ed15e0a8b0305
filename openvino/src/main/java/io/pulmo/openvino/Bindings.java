package io.pulmo.openvino;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The tensors that a request reads and writes, kept alive until they are replaced or it is freed.
 */
final class Bindings {
  private record Place(boolean input, int index) {}

  /**
   * @param own whether the request made the tensor, and so closes it
   */
  private record Bound(Tensor tensor, boolean own) {
    void end() {
      tensor.handle().release();
      if (own) {
        tensor.close();
      }
    }
  }

  private final Map<Place, Bound> bound = new HashMap<>();

  /**
   * Binds a tensor in place of the one before.
   *
   * @param set tells OpenVINO; if it throws, the one before stays
   * @throws IllegalStateException if the tensor is closed or its memory gone
   */
  synchronized void bind(
      boolean input, int index, Tensor tensor, boolean own, Consumer<MemorySegment> set) {
    MemorySegment pointer = tensor.handle().acquire();
    try {
      tensor.requireAlive();
      set.accept(pointer);
    } catch (RuntimeException | Error e) {
      tensor.handle().release();
      throw e;
    }
    Bound before = bound.put(new Place(input, index), new Bound(tensor, own));
    if (before != null) {
      before.end();
    }
  }

  synchronized @Nullable Tensor at(boolean input, int index) {
    Bound there = bound.get(new Place(input, index));
    return there == null ? null : there.tensor();
  }

  /**
   * Checks that an inference has what it needs.
   *
   * @throws IllegalStateException if an input has no tensor, or a tensor's memory is gone
   */
  synchronized void requireReady(List<Port> inputs) {
    for (Port port : inputs) {
      if (!bound.containsKey(new Place(true, port.index()))) {
        throw new IllegalStateException(
            "this InferRequest has no tensor for "
                + port.describe("input")
                + ": call setInput first");
      }
    }
    bound.values().forEach(each -> each.tensor().requireAlive());
  }

  synchronized void releaseAll() {
    bound.values().forEach(Bound::end);
    bound.clear();
  }
}
