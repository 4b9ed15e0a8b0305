package io.pulmo.worker.checkpoint;

import io.pulmo.model.view.Label;
import io.pulmo.worker.train.TrainingState;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * A copy of a training state in memory of its own, outside the heap, filled again and again. One
 * thread at a time has it.
 */
final class Snapshot {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int STRETCH_FLOATS = 1 << 20;

  private final MemorySegment memory;
  private final List<Integer> lengths = new ArrayList<>();
  private Label label = Label.START;
  private byte[] header = {};

  // The best epoch's arrays, a quarter of the whole, change when an epoch becomes the best and when
  // another state takes this one's place. Then they are copied.
  private float @Nullable [] best;
  private int bestEpoch;

  /**
   * Room for states like this one.
   *
   * @param arena whose end frees it
   */
  Snapshot(TrainingState like, Arena arena) {
    long bytes = 0;
    for (float[] values : like.arrays().values()) {
      lengths.add(values.length);
      bytes += (long) values.length * Float.BYTES;
    }
    // Zeroed, so that each page is there before the training thread first writes to it.
    memory = arena.allocate(bytes, Long.BYTES);
  }

  /** Copies a state. */
  void take(Label of, TrainingState state) {
    SequencedMap<String, float[]> arrays = state.arrays();
    List<Integer> found = arrays.values().stream().map(values -> values.length).toList();
    if (!found.equals(lengths)) {
      throw new IllegalArgumentException(
          "the state's arrays have lengths " + found + ", expected " + lengths);
    }
    boolean sameBest = state.bestLearned() == best && state.bestEpoch() == bestEpoch;
    // Until this copy is whole, nothing may be said of what is there.
    best = null;
    List<Stretch> stretches = new ArrayList<>();
    long at = 0;
    for (float[] values : arrays.values()) {
      boolean isBest = values == state.bestLearned() || values == state.bestStatistics();
      if (!(sameBest && isBest)) {
        for (int from = 0; from < values.length; from += STRETCH_FLOATS) {
          int count = Math.min(STRETCH_FLOATS, values.length - from);
          stretches.add(new Stretch(values, from, count, at + (long) from * Float.BYTES));
        }
      }
      at += (long) values.length * Float.BYTES;
    }
    stretches.parallelStream()
        .forEach(s -> MemorySegment.copy(s.values, s.from, memory, FLOAT, s.at, s.count));
    header = state.header();
    label = of;
    best = state.bestLearned();
    bestEpoch = state.bestEpoch();
  }

  /** A part of the copy that one thread makes. */
  private record Stretch(float[] values, int from, int count, long at) {}

  Label label() {
    return label;
  }

  byte[] header() {
    return header;
  }

  /** The bytes of each array, in the state's order. */
  List<ByteBuffer> arrays() {
    List<ByteBuffer> arrays = new ArrayList<>();
    long at = 0;
    for (int length : lengths) {
      long bytes = (long) length * Float.BYTES;
      arrays.add(memory.asSlice(at, bytes).asByteBuffer().asReadOnlyBuffer());
      at += bytes;
    }
    return arrays;
  }

  long bytes() {
    return memory.byteSize();
  }
}
