package io.pulmo.export;

import io.pulmo.export.FoldedNetwork.Concatenation;
import io.pulmo.export.FoldedNetwork.Convolution;
import io.pulmo.export.FoldedNetwork.Linear;
import io.pulmo.export.FoldedNetwork.Node;
import io.pulmo.export.FoldedNetwork.Plain;
import io.pulmo.export.FoldedNetwork.ScaleShift;
import io.pulmo.export.FoldedNetwork.Weighted;
import io.pulmo.model.Finding;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.weights.Weights;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The network as an ONNX model: input {@code crops} of shape N, 3, side, side; output {@code
 * probabilities} of shape N, 14; both float32.
 *
 * <p>In float32, or with integers in it: each quantized value passes one QuantizeLinear and one
 * DequantizeLinear, which alone feeds all of its users, as OpenVINO and ONNX Runtime expect before
 * they compute in integers; quantized weights are int8 constants behind a DequantizeLinear.
 */
public final class OnnxGraph {
  /** The name of the input. */
  public static final String INPUT = FoldedNetwork.INPUT;

  /** The name of the output. */
  public static final String OUTPUT = FoldedNetwork.OUTPUT;

  private final OnnxModel model = new OnnxModel();
  private final FoldedNetwork network;
  private final Map<String, ValueQuantizer> values;
  private final Map<String, WeightQuantizer> weights;

  /** What stands for a value where it is used. */
  private final Map<String, String> used = new HashMap<>();

  private OnnxGraph(
      FoldedNetwork network,
      Map<String, ValueQuantizer> values,
      Map<String, WeightQuantizer> weights) {
    this.network = network;
    this.values = values;
    this.weights = weights;
  }

  /**
   * The bytes of the model file in float32.
   *
   * @param cropPixels the side of the square crops
   */
  public static byte[] of(Weights weights, int cropPixels) {
    return of(FoldedNetwork.of(weights), cropPixels);
  }

  /** The bytes of the model file in float32. */
  public static byte[] of(FoldedNetwork network, int cropPixels) {
    return of(network, cropPixels, Map.of(), Map.of());
  }

  /**
   * The bytes of the model file with these values and these layers' weights in integers.
   *
   * @param values by name
   * @param weights by the name of the layer
   */
  static byte[] of(
      FoldedNetwork network,
      int cropPixels,
      Map<String, ValueQuantizer> values,
      Map<String, WeightQuantizer> weights) {
    OnnxModel model = write(network, cropPixels, values, weights);
    model.output(OUTPUT, Finding.COUNT);
    return model.bytes();
  }

  /** The model without an output. */
  static OnnxModel write(
      FoldedNetwork network,
      int cropPixels,
      Map<String, ValueQuantizer> values,
      Map<String, WeightQuantizer> weights) {
    OnnxGraph graph = new OnnxGraph(network, values, weights);
    graph.model.input(INPUT, DenseNetSpec.INPUT_CHANNELS, cropPixels, cropPixels);
    graph.quantize(INPUT);
    for (Node node : graph.network.nodes()) {
      graph.add(node);
      graph.quantize(node.name());
    }
    return graph.model;
  }

  private void add(Node node) {
    List<String> inputs =
        node.inputs().stream().map(name -> used.getOrDefault(name, name)).toList();
    String name = node.name();
    switch (node) {
      case Convolution c ->
          model.node(
              "Conv",
              name,
              List.of(
                  inputs.getFirst(),
                  weights(c, c.out(), c.in(), c.sidePixels(), c.sidePixels()),
                  bias(c)),
              OnnxModel.window(c.sidePixels(), c.stride(), c.padding()));
      case Linear l ->
          model.node(
              "Gemm",
              name,
              List.of(inputs.getFirst(), weights(l, l.out(), l.in()), bias(l)),
              OnnxModel.integer("transB", 1));
      case ScaleShift s -> {
        int channels = s.scale().length;
        String scaled =
            model.node(
                "Mul",
                name + ".scaled",
                List.of(
                    inputs.getFirst(),
                    model.constant(name + ".scale", s.scale(), 1, channels, 1, 1)));
        model.node(
            "Add",
            name,
            List.of(scaled, model.constant(name + ".shift", s.shift(), 1, channels, 1, 1)));
      }
      case Concatenation _ -> model.node("Concat", name, inputs, OnnxModel.integer("axis", 1));
      case Plain p -> plain(p, inputs);
    }
  }

  private void plain(Plain plain, List<String> inputs) {
    String name = plain.name();
    switch (plain.kind()) {
      case RELU -> model.node("Relu", name, inputs);
      case MAX_POOL -> model.node("MaxPool", name, inputs, OnnxModel.window(3, 2, 1));
      case AVERAGE_POOL -> model.node("AveragePool", name, inputs, OnnxModel.window(2, 2, 0));
      case GLOBAL_AVERAGE -> {
        String mean = model.node("GlobalAveragePool", name + ".mean", inputs);
        model.node("Flatten", name, List.of(mean), OnnxModel.integer("axis", 1));
      }
      case SIGMOID -> model.node("Sigmoid", name, inputs);
    }
  }

  private String weights(Weighted layer, long... shape) {
    String name = layer.name() + ".weight";
    WeightQuantizer quantizer = weights.get(layer.name());
    if (quantizer == null) {
      return model.constant(name, layer.weights(), shape);
    }
    return model.node(
        "DequantizeLinear",
        name,
        List.of(
            model.constant(name + ".int8", quantizer.values(), true, shape),
            model.constant(name + ".step", quantizer.steps(), layer.out()),
            model.constant(name + ".zero", new byte[layer.out()], true, layer.out())),
        OnnxModel.integer("axis", 0));
  }

  private String bias(Weighted layer) {
    WeightQuantizer quantizer = weights.get(layer.name());
    return model.constant(
        layer.name() + ".bias", quantizer == null ? layer.bias() : quantizer.bias(), layer.out());
  }

  private void quantize(String name) {
    ValueQuantizer quantizer = values.get(name);
    if (quantizer == null) {
      return;
    }
    String step = model.constant(name + ".step", new double[] {quantizer.step()});
    String zero = model.constant(name + ".zero", new byte[] {(byte) quantizer.zero()}, false);
    String integers = model.node("QuantizeLinear", name + ".quantized", List.of(name, step, zero));
    used.put(
        name, model.node("DequantizeLinear", name + ".dequantized", List.of(integers, step, zero)));
  }
}
