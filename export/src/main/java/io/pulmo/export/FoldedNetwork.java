package io.pulmo.export;

import io.pulmo.model.Finding;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.weights.Tensor;
import io.pulmo.model.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The network as it is computed when nothing is learned any more: what is constant is folded.
 *
 * <p>Each batch norm behind a convolution is part of that convolution; one behind a concatenation
 * is a scale and a shift by channel. A transition pools before its 1 × 1 convolution instead of
 * after it: both are linear and act on different axes, so the result is the same for a quarter of
 * the multiplications. All of it is computed in float64 and rounded once, when a graph is written.
 */
public final class FoldedNetwork {
  /** The name of the input, of shape N, 3, side, side. */
  static final String INPUT = "crops";

  /** The name of the output, of shape N, 14. */
  static final String OUTPUT = "probabilities";

  private final DenseNetSpec spec;
  private final List<Node> nodes;

  FoldedNetwork(DenseNetSpec spec, List<Node> nodes) {
    this.spec = spec;
    this.nodes = List.copyOf(nodes);
  }

  /** One operation; its name is its output's. */
  sealed interface Node {
    String name();

    List<String> inputs();
  }

  /** An operation that multiplies by weights of shape out × in × side × side and adds a bias. */
  sealed interface Weighted extends Node {
    int out();

    int in();

    int sidePixels();

    double[] weights();

    double[] bias();

    Weighted with(double[] weights, double[] bias);

    /** The weights between one input channel and one output channel. */
    default int taps() {
      return sidePixels() * sidePixels();
    }

    /** The weights of one output channel. */
    default int filterSize() {
      return in() * taps();
    }
  }

  /**
   * A convolution.
   *
   * @param weights of shape out, in, sidePixels, sidePixels
   * @param bias one for each output channel
   */
  record Convolution(
      String name,
      String input,
      int out,
      int in,
      int sidePixels,
      int stride,
      int padding,
      double[] weights,
      double[] bias)
      implements Weighted {
    @Override
    public List<String> inputs() {
      return List.of(input);
    }

    /** The side of the output for an input of this side. */
    int outPixels(int inPixels) {
      return (inPixels + 2 * padding - sidePixels) / stride + 1;
    }

    @Override
    public Convolution with(double[] newWeights, double[] newBias) {
      return new Convolution(
          name, input, out, in, sidePixels, stride, padding, newWeights, newBias);
    }
  }

  /** The classifier: a matrix of shape out, in. */
  record Linear(String name, String input, int out, int in, double[] weights, double[] bias)
      implements Weighted {
    @Override
    public List<String> inputs() {
      return List.of(input);
    }

    @Override
    public int sidePixels() {
      return 1;
    }

    @Override
    public Linear with(double[] newWeights, double[] newBias) {
      return new Linear(name, input, out, in, newWeights, newBias);
    }
  }

  /** A multiplication and an addition by channel. */
  record ScaleShift(String name, String input, double[] scale, double[] shift) implements Node {
    @Override
    public List<String> inputs() {
      return List.of(input);
    }
  }

  /** The channels of two values, one behind the other. */
  record Concatenation(String name, String first, String second) implements Node {
    @Override
    public List<String> inputs() {
      return List.of(first, second);
    }
  }

  /** An operation without constants. */
  record Plain(String name, Kind kind, String input) implements Node {
    @Override
    public List<String> inputs() {
      return List.of(input);
    }
  }

  /** The operations without constants. */
  enum Kind {
    RELU,
    /** 3 × 3 in steps of 2, padded by 1. */
    MAX_POOL,
    /** 2 × 2 in steps of 2. */
    AVERAGE_POOL,
    /** The mean over all pixels, of shape N, channels. */
    GLOBAL_AVERAGE,
    SIGMOID
  }

  DenseNetSpec spec() {
    return spec;
  }

  /** In an order in which each value is made before it is used. */
  List<Node> nodes() {
    return nodes;
  }

  /** The convolutions and the classifier, in order. */
  List<Weighted> weighted() {
    return nodes.stream()
        .filter(node -> node instanceof Weighted)
        .map(node -> (Weighted) node)
        .toList();
  }

  /** Folds the weights of a network. */
  public static FoldedNetwork of(Weights weights) {
    return new Folding(weights).network();
  }

  /** The walk along the network. */
  private static final class Folding {
    private final DenseNetSpec spec;
    private final Map<String, Tensor> tensors;
    private final List<Node> nodes = new ArrayList<>();

    Folding(Weights weights) {
      spec = weights.spec();
      tensors = weights.tensors();
    }

    FoldedNetwork network() {
      String x = normalizedConvolution("features.conv0", "features.norm0", INPUT, 2, 3);
      x = plain("features.pool0", Kind.MAX_POOL, x);
      int blocks = spec.blocks().size();
      for (int b = 1; b <= blocks; b++) {
        for (int l = 1; l <= spec.blocks().get(b - 1); l++) {
          x = denseLayer("features.denseblock" + b + ".denselayer" + l, x);
        }
        if (b < blocks) {
          String transition = "features.transition" + b;
          x = normalized(transition + ".norm", x);
          x = plain(transition + ".pool", Kind.AVERAGE_POOL, x);
          x = add(convolution(transition + ".conv", x, 1, 0));
        }
      }
      x = normalized("features.norm" + (blocks + 1), x);
      x = plain("flat", Kind.GLOBAL_AVERAGE, x);
      Tensor classifier = tensor("classifier.weight");
      x =
          add(
              new Linear(
                  "classifier",
                  x,
                  Finding.COUNT,
                  classifier.shape().get(1),
                  doubles(classifier.values()),
                  doubles(tensor("classifier.bias").values())));
      plain(OUTPUT, Kind.SIGMOID, x);
      return new FoldedNetwork(spec, nodes);
    }

    private String denseLayer(String name, String input) {
      String x = normalized(name + ".norm1", input);
      x = normalizedConvolution(name + ".conv1", name + ".norm2", x, 1, 0);
      x = add(convolution(name + ".conv2", x, 1, 1));
      return add(new Concatenation(name + ".concat", input, x));
    }

    private String normalized(String name, String input) {
      Norm norm = norm(name);
      String x = add(new ScaleShift(name, input, norm.scale, norm.shift));
      return plain(name + ".relu", Kind.RELU, x);
    }

    private String normalizedConvolution(
        String name, String normName, String input, int stride, int padding) {
      Convolution plain = convolution(name, input, stride, padding);
      Norm norm = norm(normName);
      double[] weights = plain.weights();
      for (int i = 0; i < weights.length; i++) {
        weights[i] *= norm.scale[i / plain.filterSize()];
      }
      return plain(normName + ".relu", Kind.RELU, add(plain.with(weights, norm.shift)));
    }

    private Convolution convolution(String name, String input, int stride, int padding) {
      Tensor weights = tensor(name + ".weight");
      int out = weights.shape().getFirst();
      return new Convolution(
          name,
          input,
          out,
          weights.shape().get(1),
          weights.shape().getLast(),
          stride,
          padding,
          doubles(weights.values()),
          new double[out]);
    }

    private record Norm(double[] scale, double[] shift) {}

    private Norm norm(String name) {
      float[] gamma = tensor(name + ".weight").values();
      float[] beta = tensor(name + ".bias").values();
      float[] mean = tensor(name + ".running_mean").values();
      float[] variance = tensor(name + ".running_var").values();
      double[] scale = new double[gamma.length];
      double[] shift = new double[gamma.length];
      for (int c = 0; c < gamma.length; c++) {
        scale[c] = gamma[c] / Math.sqrt((double) variance[c] + DenseNetSpec.BATCH_NORM_EPSILON);
        shift[c] = beta[c] - mean[c] * scale[c];
      }
      return new Norm(scale, shift);
    }

    private String plain(String name, Kind kind, String input) {
      return add(new Plain(name, kind, input));
    }

    private String add(Node node) {
      nodes.add(node);
      return node.name();
    }

    private Tensor tensor(String name) {
      return Objects.requireNonNull(tensors.get(name), name);
    }

    private static double[] doubles(float[] values) {
      double[] all = new double[values.length];
      for (int i = 0; i < all.length; i++) {
        all[i] = values[i];
      }
      return all;
    }
  }
}
