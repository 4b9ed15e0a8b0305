package io.pulmo.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.pulmo.export.FoldedNetwork.Convolution;
import io.pulmo.export.onnx.GraphProto;
import io.pulmo.export.onnx.ModelProto;
import io.pulmo.export.onnx.NodeProto;
import io.pulmo.export.onnx.TensorProto;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class QuantizerTest {
  @Test
  void eitherPreset_structure_followsFromTheLayers() throws InvalidProtocolBufferException {
    for (Preset preset : Preset.values()) {
      int layers = preset.network().blocks().stream().mapToInt(b -> b).sum();
      int transitions = preset.network().blocks().size() - 1;
      int convolutions = 1 + 2 * layers + transitions;
      // The input and the stem; three of each layer; relu, pool and result of each transition.
      int values = 2 + 3 * layers + 3 * transitions;
      for (WeightRange range : WeightRange.values()) {
        GraphProto graph = graph(quantizer(preset).onnx(range, Set.of()));
        assertEquals(values, count(graph, "QuantizeLinear"));
        assertEquals(values + convolutions, count(graph, "DequantizeLinear"));
        assertEquals(convolutions, count(graph, "Conv"));
        assertPairs(graph);
        assertConvolutionsReadIntegers(graph, Set.of());
      }
    }
  }

  @Test
  void chexnet_parts_areItsConvolutionsAndWhatIsConcatenated() {
    List<String> parts = quantizer(Preset.CHEXNET).parts();
    assertEquals(120 + 62, parts.size());
    assertEquals("features.conv0", parts.getFirst());
    assertTrue(parts.contains("features.denseblock4.denselayer16.conv2.output"));
  }

  @Test
  void keepFloat_anyPart_leavesItsWeightsAndItsInputAlone() throws InvalidProtocolBufferException {
    Quantizer quantizer = quantizer(Preset.SMALL);
    int all = count(graph(quantizer.onnx(WeightRange.FULL, Set.of())), "QuantizeLinear");
    for (String part : quantizer.parts()) {
      GraphProto graph = graph(quantizer.onnx(WeightRange.FULL, Set.of(part)));
      int left = part.endsWith("transition1.conv") || part.endsWith("transition2.conv") ? 2 : 1;
      assertEquals(all - left, count(graph, "QuantizeLinear"), part);
      assertPairs(graph);
      assertConvolutionsReadIntegers(graph, Set.of(part));
    }
    assertEquals(
        0,
        count(
            graph(quantizer.onnx(WeightRange.HALF, Set.copyOf(quantizer.parts()))),
            "QuantizeLinear"));
  }

  @Test
  void keepFloat_unknownPart_isRefusedByName() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> quantizer(Preset.SMALL).onnx(WeightRange.FULL, Set.of("features.conv7")));
    assertTrue(e.toString().contains("features.conv7"), e.toString());
    assertTrue(e.toString().contains("features.conv0"), e.toString());
  }

  @Test
  void halfRange_neighboursOnChannels_neverExceed16Bits() {
    Convolution layer = convolution(7, 5, 3, 1);
    WeightQuantizer half = quantized(layer, WeightRange.HALF);
    int overflowing = 0;
    int[] greatest = {0, 0};
    WeightQuantizer full = quantized(layer, WeightRange.FULL);
    for (int o = 0; o < layer.out(); o++) {
      for (int c = 0; c + 1 < layer.in(); c += 2) {
        for (int t = 0; t < layer.taps(); t++) {
          int at = o * layer.filterSize() + c * layer.taps() + t;
          int sum = half.values()[at] + half.values()[at + layer.taps()];
          assertTrue(255 * sum <= Short.MAX_VALUE && 255 * sum >= Short.MIN_VALUE, "sum " + sum);
          greatest[0] = Math.max(greatest[0], Math.abs(sum));
          if (Math.abs(full.values()[at] + full.values()[at + layer.taps()]) > 128) {
            overflowing++;
          }
        }
      }
    }
    assertTrue(overflowing > 0, "the full range would not overflow either");
    assertTrue(greatest[0] > 120, "the range is not used: " + greatest[0]);
  }

  @Test
  void weights_eachRange_areWithinHalfAStepUnlessHeldBack() {
    Convolution layer = convolution(3, 4, 8, 2);
    WeightQuantizer full = quantized(layer, WeightRange.FULL);
    for (int i = 0; i < layer.weights().length; i++) {
      double step = full.steps()[i / layer.filterSize()];
      int value = full.values()[i];
      assertTrue(value >= -127, "value " + value);
      if (Math.abs(value) < 127) {
        assertEquals(layer.weights()[i], value * step, step / 2 + 1e-12);
      }
    }
  }

  @Test
  void bias_ofBorders_restoresTheMeanExactlyForConstantChannels() {
    Convolution layer = convolution(11, 3, 4, 3);
    ChannelStatistics input = constant(layer.in(), 6);
    double[] unit = new double[layer.in()];
    Arrays.fill(unit, 1);
    WeightQuantizer quantized = WeightQuantizer.of(layer, input, unit, WeightRange.HALF);
    double[] rounded = new double[layer.weights().length];
    double uncorrected = 0;
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = quantized.values()[i] * quantized.steps()[i / layer.filterSize()];
    }
    double[] wanted = means(layer, layer.weights(), layer.bias(), input);
    double[] got = means(layer, rounded, quantized.bias(), input);
    double[] without = means(layer, rounded, layer.bias(), input);
    assertArrayEquals(wanted, got, 1e-9);
    for (int o = 0; o < wanted.length; o++) {
      uncorrected = Math.max(uncorrected, Math.abs(wanted[o] - without[o]));
    }
    assertTrue(uncorrected > 1e-3, "nothing to correct");
  }

  @Test
  void units_anyNetwork_computeTheSame() {
    DenseNetSpec spec = new DenseNetSpec(4, 2, 2, List.of(2, 1));
    FoldedNetwork network = FoldedNetwork.of(RandomWeights.of(spec, 5));
    IntegerUnits units = new IntegerUnits(Calibrations.random(network, 32, 9));
    double[] values = new double[3 * 32 * 32];
    Random random = new Random(1);
    Arrays.setAll(values, i -> random.nextGaussian());
    PlainNetwork.Image crop = new PlainNetwork.Image(3, 32, values);
    assertArrayEquals(
        PlainNetwork.probabilities(network, crop),
        PlainNetwork.probabilities(units.network(), crop),
        1e-9);
  }

  @Test
  void input_zero_isAnInteger() {
    Quantizer quantizer = quantizer(Preset.SMALL);
    assertFalse(quantizer.parts().isEmpty());
    ValueQuantizer input =
        Objects.requireNonNull(
                new IntegerUnits(Calibrations.random(network(Preset.SMALL), 64, 4))
                    .quantized()
                    .get(FoldedNetwork.INPUT))
            .quantizer();
    assertTrue(input.zero() > 0 && input.zero() < 255, input.toString());
  }

  private static double[] means(
      Convolution layer, double[] weights, double[] bias, ChannelStatistics input) {
    int side = input.sidePixels();
    double[] values = new double[layer.in() * side * side];
    for (int i = 0; i < values.length; i++) {
      values[i] = input.mean()[i / (side * side)];
    }
    return PlainNetwork.channelMeans(
        layer.with(weights, bias), new PlainNetwork.Image(layer.in(), side, values));
  }

  private static ChannelStatistics constant(int channels, int side) {
    double[] mean = new double[channels];
    double[] square = new double[channels];
    for (int c = 0; c < channels; c++) {
      mean[c] = 40 + 30 * c;
      square[c] = mean[c] * mean[c];
    }
    return new ChannelStatistics(side, new double[channels], mean, mean, square);
  }

  private static WeightQuantizer quantized(Convolution layer, WeightRange range) {
    double[] unit = new double[layer.in()];
    Arrays.fill(unit, 1);
    return WeightQuantizer.of(layer, constant(layer.in(), 8), unit, range);
  }

  private static Convolution convolution(long seed, int out, int in, int side) {
    Random random = new Random(seed);
    double[] weights = new double[out * in * side * side];
    Arrays.setAll(weights, i -> random.nextGaussian());
    double[] bias = new double[out];
    Arrays.setAll(bias, i -> random.nextGaussian());
    return new Convolution("layer", "input", out, in, side, 1, side / 2, weights, bias);
  }

  /** Each integer value is made real again once, and only then used. */
  private static void assertPairs(GraphProto graph) {
    Map<String, List<NodeProto>> readers = new HashMap<>();
    for (NodeProto node : graph.getNodeList()) {
      node.getInputList()
          .forEach(input -> readers.computeIfAbsent(input, _ -> new ArrayList<>()).add(node));
    }
    for (NodeProto node : graph.getNodeList()) {
      if (node.getOpType().equals("QuantizeLinear")) {
        List<NodeProto> after = Objects.requireNonNull(readers.get(node.getName()));
        assertEquals(
            List.of("DequantizeLinear"), after.stream().map(NodeProto::getOpType).toList());
        assertEquals(3, node.getInputCount(), "zero is given");
        assertEquals(
            node.getInputList().subList(1, 3), after.getFirst().getInputList().subList(1, 3));
        assertEquals(
            1, Objects.requireNonNull(readers.get(node.getInput(0))).size(), node.getInput(0));
      }
    }
  }

  private static void assertConvolutionsReadIntegers(GraphProto graph, Set<String> but) {
    Map<String, String> makers =
        graph.getNodeList().stream()
            .collect(Collectors.toMap(NodeProto::getName, NodeProto::getOpType));
    Set<String> constants =
        graph.getInitializerList().stream().map(TensorProto::getName).collect(Collectors.toSet());
    for (NodeProto node : graph.getNodeList()) {
      if (node.getOpType().equals("Conv")) {
        boolean integer = "DequantizeLinear".equals(makers.get(node.getInput(0)));
        assertEquals(!but.contains(node.getName()), integer, node.getName());
        assertEquals(!integer, constants.contains(node.getInput(1)), node.getName());
      }
    }
  }

  private static FoldedNetwork network(Preset preset) {
    return FoldedNetwork.of(RandomWeights.of(preset.network(), 1));
  }

  private static Quantizer quantizer(Preset preset) {
    return new Quantizer(
        Calibrations.random(network(preset), preset.preprocessing().cropPixels(), 2));
  }

  private static int count(GraphProto graph, String operator) {
    return (int)
        graph.getNodeList().stream().filter(node -> node.getOpType().equals(operator)).count();
  }

  private static GraphProto graph(byte[] onnx) throws InvalidProtocolBufferException {
    return ModelProto.parseFrom(onnx).getGraph();
  }
}
