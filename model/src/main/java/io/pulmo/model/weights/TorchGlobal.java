package io.pulmo.model.weights;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a state dict's pickle may name: nothing else is looked up, and nothing of it is run. What a
 * call of it would make is told from its arguments here.
 */
enum TorchGlobal {
  /** An empty dict, or, as Python 2 writes it, one of a list of pairs. */
  ORDERED_DICT,
  /** A schedule's milestones: no weights depend on them. */
  COUNTER,
  /** Of storage, offset, shape and strides, and what training needs besides. */
  REBUILD_TENSOR,
  /** Of a tensor. */
  REBUILD_PARAMETER,
  /** Of how to rebuild a tensor, its class, its arguments and its attributes. */
  REBUILD_FROM_TYPE,
  /** A storage's class, which names the type of its elements. */
  STORAGE,
  /** Of a tuple, which it is. */
  SIZE,
  /** A tensor's class. */
  TENSOR_TYPE,
  /** An element type's name. */
  DATA_TYPE,
  /** Makes a value that no weights depend on: a device, a NumPy number and what that is made of. */
  OPAQUE;

  private static final Set<String> DATA_TYPES =
      Set.of(
          "float64",
          "float32",
          "float16",
          "bfloat16",
          "int64",
          "int32",
          "int16",
          "int8",
          "uint8",
          "bool");

  /** What a name stands for, if it may be used. */
  static Optional<TorchGlobal> of(String module, String name) {
    TorchGlobal global =
        switch (module + "." + name) {
          case "collections.OrderedDict" -> ORDERED_DICT;
          case "collections.Counter" -> COUNTER;
          case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2" -> REBUILD_TENSOR;
          case "torch._utils._rebuild_parameter" -> REBUILD_PARAMETER;
          case "torch._tensor._rebuild_from_type_v2" -> REBUILD_FROM_TYPE;
          case "torch.Size" -> SIZE;
          case "torch.Tensor", "torch.nn.parameter.Parameter" -> TENSOR_TYPE;
          case "torch.device",
              "numpy.dtype",
              "numpy.core.multiarray.scalar",
              "numpy._core.multiarray.scalar",
              "_codecs.encode" ->
              OPAQUE;
          default -> null;
        };
    if (global == null && module.equals("torch")) {
      return ElementType.ofStorage(name).isPresent()
          ? Optional.of(STORAGE)
          : DATA_TYPES.contains(name) ? Optional.of(DATA_TYPE) : Optional.empty();
    }
    return Optional.ofNullable(global);
  }

  /** What a call of a name would make. */
  static Pickled call(Pickled.Named named, List<Pickled> arguments) throws Malformed {
    return switch (named.global()) {
      case ORDERED_DICT -> orderedDict(named, arguments);
      case REBUILD_TENSOR -> tensor(named, arguments);
      case REBUILD_PARAMETER -> array(named, arguments, 0);
      case REBUILD_FROM_TYPE -> ofType(named, arguments);
      case SIZE -> argument(named, arguments, 0, Pickled.Tuple.class);
      case COUNTER, OPAQUE -> new Pickled.Opaque("a value of " + named.name());
      case STORAGE, TENSOR_TYPE, DATA_TYPE -> throw uncalled(named);
    };
  }

  private static Malformed uncalled(Pickled.Named named) {
    return new Malformed("calls " + named.name() + ", which no state dict does; nothing was run");
  }

  private static Pickled orderedDict(Pickled.Named named, List<Pickled> arguments)
      throws Malformed {
    Pickled.Dict dict = new Pickled.Dict(true);
    if (!arguments.isEmpty()) {
      for (Pickled pair : argument(named, arguments, 0, Pickled.Sequence.class).items) {
        List<Pickled> two =
            switch (pair) {
              case Pickled.Sequence list -> list.items;
              case Pickled.Tuple tuple -> tuple.items();
              default -> List.of();
            };
        if (two.size() != 2) {
          throw new Malformed(
              "makes an OrderedDict of %s, expected pairs".formatted(pair.describe()));
        }
        dict.put(two.getFirst(), two.getLast());
      }
    }
    return dict;
  }

  private static Pickled ofType(Pickled.Named named, List<Pickled> arguments) throws Malformed {
    Pickled.Named how = argument(named, arguments, 0, Pickled.Named.class);
    Pickled.Named type = argument(named, arguments, 1, Pickled.Named.class);
    if (type.global() != TENSOR_TYPE
        || (how.global() != REBUILD_TENSOR && how.global() != REBUILD_PARAMETER)) {
      throw new Malformed("makes a %s by %s, expected a tensor".formatted(type.name(), how.name()));
    }
    return call(how, argument(named, arguments, 2, Pickled.Tuple.class).items());
  }

  private static Pickled.Array array(Pickled.Named named, List<Pickled> arguments, int index)
      throws Malformed {
    return argument(named, arguments, index, Pickled.Array.class);
  }

  private static Pickled.Array tensor(Pickled.Named named, List<Pickled> arguments)
      throws Malformed {
    Pickled.Storage storage = argument(named, arguments, 0, Pickled.Storage.class);
    long offset = argument(named, arguments, 1, Pickled.Whole.class).value();
    List<Long> dimensions = wholes(argument(named, arguments, 2, Pickled.Tuple.class));
    List<Long> strides = wholes(argument(named, arguments, 3, Pickled.Tuple.class));
    List<Integer> shape = StoredArray.shape("a tensor", dimensions, storage.type());
    if (strides.size() != shape.size()) {
      throw new Malformed(
          "makes a tensor of shape %s with strides %s, expected as many".formatted(shape, strides));
    }
    if (offset < 0 || !fits(shape, strides, offset, storage.elements())) {
      throw new Malformed(
          "makes a tensor of shape %s and strides %s from element %d, which is not within its storage of %d"
              .formatted(shape, strides, offset, storage.elements()));
    }
    return new Pickled.Array(storage, offset, shape, strides);
  }

  private static boolean fits(List<Integer> shape, List<Long> strides, long offset, long elements) {
    if (shape.contains(0)) {
      return offset <= elements;
    }
    long last = offset;
    for (int d = 0; d < shape.size(); d++) {
      long steps = shape.get(d) - 1L;
      long stride = strides.get(d);
      if (stride < 0 || (steps > 0 && stride > (elements - last) / steps)) {
        return false;
      }
      last += steps * stride;
    }
    return last < elements;
  }

  private static List<Long> wholes(Pickled.Tuple tuple) throws Malformed {
    // An array has few dimensions: no need to convert what will be refused.
    List<Long> wholes = new ArrayList<>();
    for (Pickled item : tuple.items()) {
      if (!(item instanceof Pickled.Whole whole) || wholes.size() > 64) {
        throw new Malformed(
            "has %s, with %s in it, for dimensions, expected a few integers"
                .formatted(tuple.describe(), item.describe()));
      }
      wholes.add(whole.value());
    }
    return wholes;
  }

  private static <T extends Pickled> T argument(
      Pickled.Named named, List<Pickled> arguments, int index, Class<T> expected) throws Malformed {
    if (index >= arguments.size() || !expected.isInstance(arguments.get(index))) {
      throw new Malformed(
          "calls %s with %s as argument %d, expected a %s"
              .formatted(
                  named.name(),
                  index < arguments.size() ? arguments.get(index).describe() : "nothing",
                  index + 1,
                  expected.getSimpleName()));
    }
    return expected.cast(arguments.get(index));
  }
}
