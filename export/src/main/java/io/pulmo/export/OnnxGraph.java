package io.pulmo.export;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.pulmo.export.onnx.AttributeProto;
import io.pulmo.export.onnx.AttributeProto.AttributeType;
import io.pulmo.export.onnx.GraphProto;
import io.pulmo.export.onnx.ModelProto;
import io.pulmo.export.onnx.NodeProto;
import io.pulmo.export.onnx.OperatorSetIdProto;
import io.pulmo.export.onnx.TensorProto;
import io.pulmo.export.onnx.TensorShapeProto;
import io.pulmo.export.onnx.TypeProto;
import io.pulmo.export.onnx.ValueInfoProto;
import io.pulmo.model.Finding;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.weights.Tensor;
import io.pulmo.model.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * The network as an ONNX model: input {@code crops} of shape N, 3, side, side; output {@code
 * probabilities} of shape N, 14; both float32.
 *
 * <p>Operators are the standard ones of set 13, weights keep torchvision's names, and batch norms
 * stay nodes of their own, so that the graph computes what the network does, number by number.
 */
public final class OnnxGraph {
  /** The name of the input. */
  public static final String INPUT = "crops";

  /** The name of the output. */
  public static final String OUTPUT = "probabilities";

  private static final long IR_VERSION = 8;
  private static final long OPERATOR_SET = 13;

  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("densenet");

  private OnnxGraph() {}

  /**
   * The bytes of the model file.
   *
   * @param cropPixels the side of the square crops
   */
  public static byte[] of(Weights weights, int cropPixels) {
    OnnxGraph built = new OnnxGraph();
    built.network(weights.spec());
    GraphProto.Builder graph =
        built
            .graph
            .addInput(
                value(
                    INPUT,
                    dimension(DenseNetSpec.INPUT_CHANNELS),
                    dimension(cropPixels),
                    dimension(cropPixels)))
            .addOutput(value(OUTPUT, dimension(Finding.COUNT)));
    weights.tensors().forEach((name, tensor) -> graph.addInitializer(initializer(name, tensor)));
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("pulmo")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPERATOR_SET))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private void network(DenseNetSpec spec) {
    String x = convolution("features.conv0", INPUT, 7, 2, 3);
    x = normalized("features.norm0", x);
    x = pool("MaxPool", "features.pool0", x, 3, 2, 1);
    int blocks = spec.blocks().size();
    for (int b = 1; b <= blocks; b++) {
      for (int l = 1; l <= spec.blocks().get(b - 1); l++) {
        x = denseLayer("features.denseblock" + b + ".denselayer" + l, x);
      }
      if (b < blocks) {
        String transition = "features.transition" + b;
        x = normalized(transition + ".norm", x);
        x = convolution(transition + ".conv", x, 1, 1, 0);
        x = pool("AveragePool", transition + ".pool", x, 2, 2, 0);
      }
    }
    x = normalized("features.norm" + (blocks + 1), x);
    x = node("GlobalAveragePool", "pooled", List.of(x));
    x = node("Flatten", "flat", List.of(x), integer("axis", 1));
    x =
        node(
            "Gemm",
            "classifier",
            List.of(x, "classifier.weight", "classifier.bias"),
            integer("transB", 1));
    node("Sigmoid", OUTPUT, List.of(x));
  }

  /** The layer's input with the channels it adds behind it. */
  private String denseLayer(String name, String input) {
    String x = normalized(name + ".norm1", input);
    x = convolution(name + ".conv1", x, 1, 1, 0);
    x = normalized(name + ".norm2", x);
    x = convolution(name + ".conv2", x, 3, 1, 1);
    return node("Concat", name + ".concat", List.of(input, x), integer("axis", 1));
  }

  private String normalized(String name, String input) {
    String norm =
        node(
            "BatchNormalization",
            name,
            List.of(
                input,
                name + ".weight",
                name + ".bias",
                name + ".running_mean",
                name + ".running_var"),
            AttributeProto.newBuilder()
                .setName("epsilon")
                .setType(AttributeType.FLOAT)
                .setF(DenseNetSpec.BATCH_NORM_EPSILON)
                .build());
    return node("Relu", name + ".relu", List.of(norm));
  }

  private String convolution(String name, String input, int side, int stride, int padding) {
    return node("Conv", name, List.of(input, name + ".weight"), window(side, stride, padding));
  }

  private String pool(
      String operator, String name, String input, int side, int stride, int padding) {
    return node(operator, name, List.of(input), window(side, stride, padding));
  }

  /** Adds a node and returns the name of its output, which is its own. */
  private String node(
      String operator, String name, List<String> inputs, AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(operator)
            .setName(name)
            .addAllInput(inputs)
            .addOutput(name)
            .addAllAttribute(Arrays.asList(attributes)));
    return name;
  }

  private static AttributeProto[] window(int side, int stride, int padding) {
    return new AttributeProto[] {
      integers("kernel_shape", side, side),
      integers("strides", stride, stride),
      integers("pads", padding, padding, padding, padding)
    };
  }

  private static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  private static AttributeProto integers(String name, long... values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.INTS)
        .addAllInts(LongStream.of(values).boxed().toList())
        .build();
  }

  private static TensorProto initializer(String name, Tensor tensor) {
    ByteBuffer bytes =
        ByteBuffer.allocate(tensor.values().length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(tensor.values());
    // Nobody else holds the array, so protobuf need not copy it.
    ByteString raw = UnsafeByteOperations.unsafeWrap(bytes);
    return TensorProto.newBuilder()
        .setName(name)
        .addAllDims(tensor.shape().stream().map(Integer::longValue).toList())
        .setDataType(TensorProto.DataType.FLOAT_VALUE)
        .setRawData(raw)
        .build();
  }

  /** A float32 value whose first dimension is left open. */
  private static ValueInfoProto value(String name, TensorShapeProto.Dimension... dimensions) {
    TensorShapeProto shape =
        TensorShapeProto.newBuilder()
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("N"))
            .addAllDim(Arrays.asList(dimensions))
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT_VALUE)
                        .setShape(shape)))
        .build();
  }

  private static TensorShapeProto.Dimension dimension(int size) {
    return TensorShapeProto.Dimension.newBuilder().setDimValue(size).build();
  }
}
