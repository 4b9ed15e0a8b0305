package io.pulmo.export;

import io.pulmo.export.FoldedNetwork.Concatenation;
import io.pulmo.export.FoldedNetwork.Convolution;
import io.pulmo.export.FoldedNetwork.Linear;
import io.pulmo.export.FoldedNetwork.Node;
import io.pulmo.export.FoldedNetwork.Plain;
import io.pulmo.export.FoldedNetwork.ScaleShift;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.weights.Weights;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleUnaryOperator;

/** The network by its definition in float64: slow, and short enough to be seen to be right. */
final class PlainNetwork {
  private PlainNetwork() {}

  /** Square channels, one behind the other. */
  record Image(int channels, int side, double[] values) {
    double at(int channel, int row, int column) {
      return row < 0 || column < 0 || row >= side || column >= side
          ? 0
          : values[(channel * side + row) * side + column];
    }

    double[] channel(int channel) {
      return Arrays.copyOfRange(values, channel * side * side, (channel + 1) * side * side);
    }

    Image map(DoubleUnaryOperator f) {
      double[] mapped = values.clone();
      for (int i = 0; i < mapped.length; i++) {
        mapped[i] = f.applyAsDouble(mapped[i]);
      }
      return new Image(channels, side, mapped);
    }

    Image with(Image other) {
      double[] both = new double[values.length + other.values.length];
      System.arraycopy(values, 0, both, 0, values.length);
      System.arraycopy(other.values, 0, both, values.length, other.values.length);
      return new Image(channels + other.channels, side, both);
    }
  }

  /** As torchvision writes it: every batch norm by its four arrays, pools where they were. */
  static double[] probabilities(Weights weights, Image crop) {
    DenseNetSpec spec = weights.spec();
    Image x = convolution(weights, "features.conv0", crop, 2, 3);
    x = maxPool(normalized(weights, "features.norm0", x));
    for (int b = 1; b <= spec.blocks().size(); b++) {
      for (int l = 1; l <= spec.blocks().get(b - 1); l++) {
        String layer = "features.denseblock" + b + ".denselayer" + l;
        Image y = normalized(weights, layer + ".norm1", x);
        y = convolution(weights, layer + ".conv1", y, 1, 0);
        y = normalized(weights, layer + ".norm2", y);
        x = x.with(convolution(weights, layer + ".conv2", y, 1, 1));
      }
      if (b < spec.blocks().size()) {
        x = normalized(weights, "features.transition" + b + ".norm", x);
        x = averagePool(convolution(weights, "features.transition" + b + ".conv", x, 1, 0));
      }
    }
    x = globalAverage(normalized(weights, "features.norm" + (spec.blocks().size() + 1), x));
    return sigmoid(
        linear(
            x,
            doubles(array(weights, "classifier.weight")),
            doubles(array(weights, "classifier.bias"))));
  }

  /** As the folded network says. */
  static double[] probabilities(FoldedNetwork network, Image crop) {
    return Objects.requireNonNull(values(network, crop).get(FoldedNetwork.OUTPUT)).values;
  }

  /** A crop of floats. */
  static Image image(float[] crop) {
    return new Image(3, (int) Math.sqrt(crop.length / 3.0), doubles(crop));
  }

  /** Every value of the folded network by name. */
  static Map<String, Image> values(FoldedNetwork network, Image crop) {
    Map<String, Image> made = new HashMap<>(Map.of(FoldedNetwork.INPUT, crop));
    for (Node node : network.nodes()) {
      Image x = Objects.requireNonNull(made.get(node.inputs().getFirst()), node.name());
      made.put(
          node.name(),
          switch (node) {
            case Convolution c ->
                convolution(x, c.weights(), c.bias(), c.sidePixels(), c.stride(), c.padding());
            case Linear l -> linear(x, l.weights(), l.bias());
            case ScaleShift s -> scaled(x, s.scale(), s.shift());
            case Concatenation c -> x.with(Objects.requireNonNull(made.get(c.second())));
            case Plain p ->
                switch (p.kind()) {
                  case RELU -> x.map(v -> Math.max(v, 0));
                  case MAX_POOL -> maxPool(x);
                  case AVERAGE_POOL -> averagePool(x);
                  case GLOBAL_AVERAGE -> globalAverage(x);
                  case SIGMOID -> new Image(x.channels, 1, sigmoid(x));
                };
          });
    }
    return made;
  }

  /** The mean of each channel of what a convolution makes. */
  static double[] channelMeans(Convolution c, Image x) {
    return globalAverage(
            convolution(x, c.weights(), c.bias(), c.sidePixels(), c.stride(), c.padding()))
        .values;
  }

  private static Image normalized(Weights weights, String name, Image x) {
    float[] gamma = array(weights, name + ".weight");
    float[] beta = array(weights, name + ".bias");
    float[] mean = array(weights, name + ".running_mean");
    float[] variance = array(weights, name + ".running_var");
    double[] all = x.values.clone();
    for (int i = 0; i < all.length; i++) {
      int c = i / (x.side * x.side);
      double deviation = Math.sqrt(variance[c] + (double) DenseNetSpec.BATCH_NORM_EPSILON);
      all[i] = Math.max(0, (all[i] - mean[c]) / deviation * gamma[c] + beta[c]);
    }
    return new Image(x.channels, x.side, all);
  }

  private static Image convolution(Weights weights, String name, Image x, int stride, int padding) {
    var shape = Objects.requireNonNull(weights.tensors().get(name + ".weight")).shape();
    return convolution(
        x,
        doubles(array(weights, name + ".weight")),
        new double[shape.getFirst()],
        shape.getLast(),
        stride,
        padding);
  }

  private static Image convolution(
      Image x, double[] weights, double[] bias, int kernel, int stride, int padding) {
    int side = (x.side + 2 * padding - kernel) / stride + 1;
    double[] all = new double[bias.length * side * side];
    for (int i = 0; i < all.length; i++) {
      int out = i / (side * side);
      int row = i / side % side * stride - padding;
      int column = i % side * stride - padding;
      double sum = bias[out];
      for (int c = 0; c < x.channels; c++) {
        for (int t = 0; t < kernel * kernel; t++) {
          sum +=
              weights[(out * x.channels + c) * kernel * kernel + t]
                  * x.at(c, row + t / kernel, column + t % kernel);
        }
      }
      all[i] = sum;
    }
    return new Image(bias.length, side, all);
  }

  private static Image scaled(Image x, double[] scale, double[] shift) {
    double[] all = x.values.clone();
    for (int i = 0; i < all.length; i++) {
      int c = i / (x.side * x.side);
      all[i] = all[i] * scale[c] + shift[c];
    }
    return new Image(x.channels, x.side, all);
  }

  private static Image maxPool(Image x) {
    int side = (x.side - 1) / 2 + 1;
    double[] all = new double[x.channels * side * side];
    for (int i = 0; i < all.length; i++) {
      double most = Double.NEGATIVE_INFINITY;
      for (int t = 0; t < 9; t++) {
        int row = i / side % side * 2 - 1 + t / 3;
        int column = i % side * 2 - 1 + t % 3;
        if (row >= 0 && column >= 0 && row < x.side && column < x.side) {
          most = Math.max(most, x.at(i / (side * side), row, column));
        }
      }
      all[i] = most;
    }
    return new Image(x.channels, side, all);
  }

  private static Image averagePool(Image x) {
    int side = x.side / 2;
    double[] all = new double[x.channels * side * side];
    for (int i = 0; i < all.length; i++) {
      for (int t = 0; t < 4; t++) {
        all[i] += x.at(i / (side * side), i / side % side * 2 + t / 2, i % side * 2 + t % 2) / 4;
      }
    }
    return new Image(x.channels, side, all);
  }

  private static Image globalAverage(Image x) {
    double[] all = new double[x.channels];
    for (int i = 0; i < x.values.length; i++) {
      all[i / (x.side * x.side)] += x.values[i] / (x.side * x.side);
    }
    return new Image(x.channels, 1, all);
  }

  private static Image linear(Image x, double[] weights, double[] bias) {
    double[] all = bias.clone();
    for (int i = 0; i < weights.length; i++) {
      all[i / x.channels] += weights[i] * x.values[i % x.channels];
    }
    return new Image(all.length, 1, all);
  }

  private static double[] sigmoid(Image x) {
    return x.map(v -> 1 / (1 + Math.exp(-v))).values;
  }

  private static float[] array(Weights weights, String name) {
    return Objects.requireNonNull(weights.tensors().get(name), name).values();
  }

  private static double[] doubles(float[] values) {
    double[] all = new double[values.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = values[i];
    }
    return all;
  }
}
