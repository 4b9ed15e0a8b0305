package io.pulmo.export;

import io.pulmo.export.FoldedNetwork.Concatenation;
import io.pulmo.export.FoldedNetwork.Convolution;
import io.pulmo.export.FoldedNetwork.Kind;
import io.pulmo.export.FoldedNetwork.Linear;
import io.pulmo.export.FoldedNetwork.Node;
import io.pulmo.export.FoldedNetwork.Plain;
import io.pulmo.export.FoldedNetwork.ScaleShift;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.openvino.Core;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.IntConsumer;

/**
 * What the values of a network were while it looked at images such as it will see: by it each is
 * given its range in integers.
 *
 * <p>The network runs in float32 on OpenVINO, with the reductions over pixels inside the graph, so
 * that only a few numbers for each channel leave it. Sums are float64 in the order of the crops.
 */
public final class Calibration {
  private static final String STATISTICS = "statistics";
  private static final int REDUCTIONS = 4;

  private final FoldedNetwork network;
  private final int cropPixels;
  private final int crops;
  private final Map<String, ChannelStatistics> values;

  Calibration(
      FoldedNetwork network, int cropPixels, int crops, Map<String, ChannelStatistics> values) {
    this.network = network;
    this.cropPixels = cropPixels;
    this.crops = crops;
    this.values = Map.copyOf(values);
  }

  /** The network that was measured. */
  public FoldedNetwork network() {
    return network;
  }

  /** The side of the crops. */
  public int cropPixels() {
    return cropPixels;
  }

  /** How many crops were looked at. */
  public int crops() {
    return crops;
  }

  /** The ONNX file of the network in float32. */
  byte[] float32() {
    return OnnxGraph.of(network, cropPixels);
  }

  ChannelStatistics of(String value) {
    return Objects.requireNonNull(values.get(value), value);
  }

  /**
   * Runs the network over crops.
   *
   * @param crops each of 3 × side × side floats, normalized; a few hundred, of images like those
   *     that will be judged
   * @param progress is told the number of crops done
   * @throws IllegalArgumentException without a crop, or with one of another size
   */
  public static Calibration measure(
      Core core,
      FoldedNetwork network,
      int cropPixels,
      Iterator<float[]> crops,
      IntConsumer progress)
      throws IOException {
    SequencedMap<String, Shape> measured = measured(network, cropPixels);
    Sums sums = new Sums(size(measured));
    try (CropRunner runner =
        CropRunner.open(core, graph(network, cropPixels, measured), cropPixels)) {
      runner.run(
          crops,
          answer -> {
            sums.add(answer);
            progress.accept(sums.crops);
          });
    }
    if (sums.crops == 0) {
      throw new IllegalArgumentException(
          "no crop to calibrate with, expected a few hundred: give images");
    }
    return new Calibration(network, cropPixels, sums.crops, sums.byValue(measured));
  }

  /** How many channels a value has, and how high and wide they are. */
  record Shape(int channels, int sidePixels) {}

  /** The values that are quantized or feed a convolution. */
  static SequencedMap<String, Shape> measured(FoldedNetwork network, int cropPixels) {
    Map<String, Shape> shapes = new HashMap<>();
    SequencedMap<String, Shape> measured = new LinkedHashMap<>();
    Shape input = new Shape(DenseNetSpec.INPUT_CHANNELS, cropPixels);
    shapes.put(FoldedNetwork.INPUT, input);
    measured.put(FoldedNetwork.INPUT, input);
    for (Node node : network.nodes()) {
      Shape in = Objects.requireNonNull(shapes.get(node.inputs().getFirst()), node.name());
      Shape out =
          switch (node) {
            case Convolution c -> new Shape(c.out(), c.outPixels(in.sidePixels));
            case Linear l -> new Shape(l.out(), 1);
            case ScaleShift _ -> in;
            case Concatenation c ->
                new Shape(
                    in.channels + Objects.requireNonNull(shapes.get(c.second())).channels,
                    in.sidePixels);
            case Plain p ->
                switch (p.kind()) {
                  case RELU, SIGMOID -> in;
                  case MAX_POOL -> new Shape(in.channels, (in.sidePixels - 1) / 2 + 1);
                  case AVERAGE_POOL -> new Shape(in.channels, in.sidePixels / 2);
                  case GLOBAL_AVERAGE -> new Shape(in.channels, 1);
                };
          };
      shapes.put(node.name(), out);
      if (hasPixels(node)) {
        measured.put(node.name(), out);
      }
    }
    return measured;
  }

  private static boolean hasPixels(Node node) {
    return switch (node) {
      case Plain p -> p.kind() != Kind.GLOBAL_AVERAGE && p.kind() != Kind.SIGMOID;
      case Convolution _ -> true;
      case Linear _, ScaleShift _, Concatenation _ -> false;
    };
  }

  private static int size(SequencedMap<String, Shape> measured) {
    return REDUCTIONS * measured.values().stream().mapToInt(Shape::channels).sum();
  }

  /** The network with all statistics, end to end, as its only output. */
  private static byte[] graph(
      FoldedNetwork network, int cropPixels, SequencedMap<String, Shape> measured) {
    OnnxModel model = OnnxGraph.write(network, cropPixels, Map.of(), Map.of());
    List<String> all = new ArrayList<>();
    measured
        .keySet()
        .forEach(
            value -> {
              String squared = model.node("Mul", value + ".squared", List.of(value, value));
              all.add(reduced(model, "ReduceMin", value + ".least", value));
              all.add(reduced(model, "ReduceMax", value + ".greatest", value));
              all.add(reduced(model, "ReduceMean", value + ".average", value));
              all.add(reduced(model, "ReduceMean", value + ".averageSquare", squared));
            });
    model.node("Concat", STATISTICS, all, OnnxModel.integer("axis", 1));
    model.output(STATISTICS, size(measured));
    return model.bytes();
  }

  private static String reduced(OnnxModel model, String operator, String name, String value) {
    return model.node(
        operator,
        name,
        List.of(value),
        OnnxModel.integers("axes", 2, 3),
        OnnxModel.integer("keepdims", 0));
  }

  /** Running sums, least and greatest of everything that the graph gives. */
  private static final class Sums {
    private int crops;
    private final double[] sum;
    private final double[] least;
    private final double[] greatest;

    Sums(int size) {
      sum = new double[size];
      least = new double[size];
      greatest = new double[size];
      Arrays.fill(least, Double.POSITIVE_INFINITY);
      Arrays.fill(greatest, Double.NEGATIVE_INFINITY);
    }

    void add(float[] answer) {
      for (int i = 0; i < sum.length; i++) {
        double value = answer[i];
        sum[i] += value;
        least[i] = Math.min(least[i], value);
        greatest[i] = Math.max(greatest[i], value);
      }
      crops++;
    }

    Map<String, ChannelStatistics> byValue(SequencedMap<String, Shape> measured) {
      Map<String, ChannelStatistics> all = new HashMap<>();
      int at = 0;
      for (Map.Entry<String, Shape> value : measured.entrySet()) {
        int channels = value.getValue().channels;
        all.put(
            value.getKey(),
            new ChannelStatistics(
                value.getValue().sidePixels,
                Arrays.copyOfRange(least, at, at + channels),
                Arrays.copyOfRange(greatest, at + channels, at + 2 * channels),
                mean(at + 2 * channels, channels),
                mean(at + 3 * channels, channels)));
        at += REDUCTIONS * channels;
      }
      return all;
    }

    private double[] mean(int from, int channels) {
      double[] mean = new double[channels];
      for (int c = 0; c < channels; c++) {
        mean[c] = sum[from + c] / crops;
      }
      return mean;
    }
  }
}
