package io.pulmo.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.pulmo.export.onnx.GraphProto;
import io.pulmo.export.onnx.ModelProto;
import io.pulmo.export.onnx.NodeProto;
import io.pulmo.export.onnx.ValueInfoProto;
import io.pulmo.model.network.Preset;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class OnnxGraphTest {
  @Test
  void chexnet_operators_areDenseNet121s() throws InvalidProtocolBufferException {
    GraphProto graph = graph(Preset.CHEXNET);
    Map<String, Long> operators =
        graph.getNodeList().stream()
            .collect(Collectors.groupingBy(NodeProto::getOpType, Collectors.counting()));
    assertEquals(
        Map.ofEntries(
            Map.entry("Conv", 120L),
            Map.entry("Mul", 62L),
            Map.entry("Add", 62L),
            Map.entry("Relu", 121L),
            Map.entry("Concat", 58L),
            Map.entry("MaxPool", 1L),
            Map.entry("AveragePool", 3L),
            Map.entry("GlobalAveragePool", 1L),
            Map.entry("Flatten", 1L),
            Map.entry("Gemm", 1L),
            Map.entry("Sigmoid", 1L)),
        operators);
    // The classifier is the 121st layer with weights.
    assertEquals(121, operators.getOrDefault("Conv", 0L) + operators.getOrDefault("Gemm", 0L));
  }

  @Test
  void eitherPreset_everyInput_isMadeBeforeItIsUsed() throws InvalidProtocolBufferException {
    for (Preset preset : Preset.values()) {
      GraphProto graph = graph(preset);
      Set<String> made = new HashSet<>(Set.of(OnnxGraph.INPUT));
      graph.getInitializerList().forEach(array -> assertTrue(made.add(array.getName())));
      Set<String> used = new HashSet<>();
      for (NodeProto node : graph.getNodeList()) {
        assertTrue(made.containsAll(node.getInputList()), node.getName());
        assertTrue(made.addAll(node.getOutputList()), node.getName());
        used.addAll(node.getInputList());
      }
      made.removeAll(used);
      assertEquals(Set.of(OnnxGraph.OUTPUT), made);
    }
  }

  @Test
  void small_inputAndOutput_leaveTheCountOpen() throws InvalidProtocolBufferException {
    GraphProto graph = graph(Preset.SMALL);
    assertEquals("crops: N 3 64 64", described(graph.getInput(0)));
    assertEquals("probabilities: N 14", described(graph.getOutput(0)));
  }

  private static GraphProto graph(Preset preset) throws InvalidProtocolBufferException {
    ModelProto model =
        ModelProto.parseFrom(
            OnnxGraph.of(
                RandomWeights.of(preset.network(), 1), preset.preprocessing().cropPixels()));
    assertEquals(8, model.getIrVersion());
    assertEquals(13, model.getOpsetImport(0).getVersion());
    return model.getGraph();
  }

  private static String described(ValueInfoProto value) {
    return value.getType().getTensorType().getShape().getDimList().stream()
        .map(
            dimension ->
                dimension.hasDimParam()
                    ? dimension.getDimParam()
                    : Long.toString(dimension.getDimValue()))
        .collect(Collectors.joining(" ", value.getName() + ": ", ""));
  }
}
