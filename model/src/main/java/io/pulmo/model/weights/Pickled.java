package io.pulmo.model.weights;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A value that a pickle describes, as far as state dicts have it. */
sealed interface Pickled {

  /** A value that no weights depend on, such as None, a float or a device. */
  record Opaque(String kind) implements Pickled {}

  /** True or False. */
  record Truth(boolean value) implements Pickled {}

  /** An integer of 64 bits. */
  record Whole(long value) implements Pickled {}

  /** A longer integer. */
  record Large(BigInteger value) implements Pickled {}

  /** A string. */
  record Text(String value) implements Pickled {}

  /** A tuple. */
  record Tuple(List<Pickled> items) implements Pickled {
    public Tuple {
      items = List.copyOf(items);
    }
  }

  /** A list, which grows. */
  final class Sequence implements Pickled {
    final List<Pickled> items = new ArrayList<>(0);
  }

  /**
   * A dict or an OrderedDict as the pairs that were put into it. It has no index: a stranger's keys
   * are not hashed, and state dicts are gone through from end to end.
   */
  final class Dict implements Pickled {
    final boolean ordered;
    final List<Pickled> keys = new ArrayList<>(0);
    final List<Pickled> values = new ArrayList<>(0);

    Dict(boolean ordered) {
      this.ordered = ordered;
    }

    void put(Pickled key, Pickled value) {
      keys.add(key);
      values.add(value);
    }
  }

  /** A name that the pickle may use. */
  record Named(TorchGlobal global, String name) implements Pickled {}

  /**
   * Numbers that lie elsewhere in the file, or a stretch of them.
   *
   * @param type what they are
   * @param key by which the file finds them
   * @param total how many there are under the key
   * @param first the stretch's first
   * @param elements the stretch's length
   */
  record Storage(ElementType type, String key, long total, long first, long elements)
      implements Pickled {}

  /**
   * A tensor.
   *
   * @param storage its numbers
   * @param offset its first, counted from the storage's
   * @param shape its dimensions
   * @param strides by dimension, in elements
   */
  record Array(Storage storage, long offset, List<Integer> shape, List<Long> strides)
      implements Pickled {}

  /** What it is, for messages. */
  default String describe() {
    return switch (this) {
      case Opaque opaque -> opaque.kind();
      case Truth truth -> truth.value() ? "True" : "False";
      case Whole whole -> "the integer " + whole.value();
      case Large large -> "an integer of " + large.value().bitLength() + " bits";
      case Text text -> "the string '" + text.value() + "'";
      case Tuple tuple -> "a tuple of " + tuple.items().size();
      case Sequence list -> "a list of " + list.items.size();
      case Dict dict -> "a dict of " + dict.keys.size();
      case Named named -> named.name();
      case Storage storage ->
          "a storage of " + storage.type().name().toLowerCase(Locale.ROOT) + " numbers";
      case Array array -> "a tensor of shape " + array.shape();
    };
  }
}
