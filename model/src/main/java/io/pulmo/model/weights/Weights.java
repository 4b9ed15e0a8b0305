package io.pulmo.model.weights;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.DenseNetSpec.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A network's arrays by torchvision's names, complete and well-shaped for their spec.
 *
 * @param spec the network
 * @param tensors one for each of the spec's parameters, in its order
 */
public record Weights(DenseNetSpec spec, SequencedMap<String, Tensor> tensors) {
  /** Checks names and shapes: whatever is missing, surplus or misshapen is listed by name. */
  public Weights {
    SequencedMap<String, List<Integer>> shapes = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    List<String> wrong = misfits(spec, shapes, name -> name);
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException("weights do not fit the network: " + Listing.of(wrong));
    }
    SequencedMap<String, Tensor> ordered = new LinkedHashMap<>();
    for (Parameter parameter : spec.parameters()) {
      ordered.put(parameter.name(), Objects.requireNonNull(tensors.get(parameter.name())));
    }
    tensors = ordered;
  }

  /**
   * Which arrays are missing, misshapen or surplus.
   *
   * @param shapes of the arrays that are there, by the network's names
   * @param shown what messages call an array
   * @return a list that may be changed
   */
  static List<String> misfits(
      DenseNetSpec spec, SequencedMap<String, List<Integer>> shapes, UnaryOperator<String> shown) {
    List<String> wrong = new ArrayList<>();
    Set<String> known = new HashSet<>();
    for (Parameter parameter : spec.parameters()) {
      String name = parameter.name();
      known.add(name);
      List<Integer> shape = shapes.get(name);
      if (shape == null) {
        wrong.add("missing " + name);
      } else if (!shape.equals(parameter.shape())) {
        wrong.add(shown.apply(name) + " has shape " + shape + ", expected " + parameter.shape());
      }
    }
    for (String name : shapes.keySet()) {
      if (!known.contains(name)) {
        wrong.add("surplus " + shown.apply(name));
      }
    }
    return wrong;
  }

  /** The learned arrays laid end to end, in the order of {@link DenseNetSpec#learned()}. */
  public float[] learned() {
    return flat(spec.learned(), spec.learnedSize());
  }

  /** The running statistics laid end to end, in the order of {@link DenseNetSpec#statistics()}. */
  public float[] statistics() {
    return flat(spec.statistics(), spec.statisticsSize());
  }

  private float[] flat(List<Parameter> parameters, int size) {
    float[] all = new float[size];
    int at = 0;
    for (Parameter parameter : parameters) {
      Tensor tensor = Objects.requireNonNull(tensors.get(parameter.name()));
      System.arraycopy(tensor.values(), 0, all, at, tensor.values().length);
      at += tensor.values().length;
    }
    return all;
  }

  /** The inverse of {@link #learned()} and {@link #statistics()}. */
  public static Weights ofFlat(DenseNetSpec spec, float[] learned, float[] statistics) {
    if (learned.length != spec.learnedSize() || statistics.length != spec.statisticsSize()) {
      throw new IllegalArgumentException(
          "given %d learned values and %d statistics, expected %d and %d"
              .formatted(
                  learned.length, statistics.length, spec.learnedSize(), spec.statisticsSize()));
    }
    Map<String, Tensor> byName = new LinkedHashMap<>();
    unflatten(spec.learned(), learned, byName);
    unflatten(spec.statistics(), statistics, byName);
    SequencedMap<String, Tensor> ordered = new LinkedHashMap<>(byName);
    return new Weights(spec, ordered);
  }

  private static void unflatten(
      List<Parameter> parameters, float[] flat, Map<String, Tensor> byName) {
    int at = 0;
    for (Parameter parameter : parameters) {
      float[] values = Arrays.copyOfRange(flat, at, at + parameter.size());
      byName.put(parameter.name(), new Tensor(parameter.shape(), values));
      at += parameter.size();
    }
  }
}
