package io.pulmo.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.pulmo.export.onnx.GraphProto;
import io.pulmo.export.onnx.ModelProto;
import io.pulmo.export.onnx.NodeProto;
import io.pulmo.export.onnx.TensorProto;
import io.pulmo.export.onnx.ValueInfoProto;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Weights;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
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
        Map.of(
            "Conv", 120L,
            "BatchNormalization", 121L,
            "Relu", 121L,
            "Concat", 58L,
            "MaxPool", 1L,
            "AveragePool", 3L,
            "GlobalAveragePool", 1L,
            "Flatten", 1L,
            "Gemm", 1L,
            "Sigmoid", 1L),
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

  @Test
  void small_initializers_areTheWeights() throws InvalidProtocolBufferException {
    Weights weights = RandomWeights.of(Preset.SMALL.network(), 1);
    GraphProto graph = ModelProto.parseFrom(OnnxGraph.of(weights, 64)).getGraph();
    assertEquals(weights.tensors().size(), graph.getInitializerCount());
    for (TensorProto array : graph.getInitializerList()) {
      var tensor = Objects.requireNonNull(weights.tensors().get(array.getName()), array.getName());
      assertEquals(tensor.shape().stream().map(Integer::longValue).toList(), array.getDimsList());
      float[] values = new float[tensor.values().length];
      array
          .getRawData()
          .asReadOnlyByteBuffer()
          .order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer()
          .get(values);
      assertArrayEquals(tensor.values(), values);
    }
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
