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
import io.pulmo.export.onnx.TensorProto.DataType;
import io.pulmo.export.onnx.TensorShapeProto;
import io.pulmo.export.onnx.TypeProto;
import io.pulmo.export.onnx.ValueInfoProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/** An ONNX file in the making: nodes of the standard operators of set 13, and constants. */
final class OnnxModel {
  private static final long IR_VERSION = 8;
  private static final long OPERATOR_SET = 13;

  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("densenet");

  /** Adds a node and returns the name of its output, which is its own. */
  String node(String operator, String name, List<String> inputs, AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(operator)
            .setName(name)
            .addAllInput(inputs)
            .addOutput(name)
            .addAllAttribute(Arrays.asList(attributes)));
    return name;
  }

  /** Declares a float32 input whose first dimension is left open. */
  void input(String name, long... dimensions) {
    graph.addInput(value(name, dimensions));
  }

  /** Declares a float32 output whose first dimension is left open. */
  void output(String name, long... dimensions) {
    graph.addOutput(value(name, dimensions));
  }

  /** Adds a constant of float32, rounded from float64. */
  String constant(String name, double[] values, long... shape) {
    ByteBuffer bytes = littleEndian(values.length * Float.BYTES);
    for (double value : values) {
      bytes.putFloat((float) value);
    }
    return constant(name, DataType.FLOAT, bytes.flip(), shape);
  }

  /** Adds a constant of bytes, signed or not. */
  String constant(String name, byte[] values, boolean signed, long... shape) {
    return constant(name, signed ? DataType.INT8 : DataType.UINT8, ByteBuffer.wrap(values), shape);
  }

  /** Adds a constant of int64, of one dimension. */
  String constant(String name, long... values) {
    ByteBuffer bytes = littleEndian(values.length * Long.BYTES);
    for (long value : values) {
      bytes.putLong(value);
    }
    return constant(name, DataType.INT64, bytes.flip(), new long[] {values.length});
  }

  private String constant(String name, DataType type, ByteBuffer bytes, long[] shape) {
    // Nobody else holds the array, so protobuf need not copy it.
    ByteString raw = UnsafeByteOperations.unsafeWrap(bytes);
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .addAllDims(LongStream.of(shape).boxed().toList())
            .setDataType(type.getNumber())
            .setRawData(raw));
    return name;
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  byte[] bytes() {
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("pulmo")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPERATOR_SET))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  static AttributeProto integers(String name, long... values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.INTS)
        .addAllInts(LongStream.of(values).boxed().toList())
        .build();
  }

  /** The attributes of a convolution or a pool. */
  static AttributeProto[] window(int side, int stride, int padding) {
    return new AttributeProto[] {
      integers("kernel_shape", side, side),
      integers("strides", stride, stride),
      integers("pads", padding, padding, padding, padding)
    };
  }

  private static ValueInfoProto value(String name, long... dimensions) {
    TensorShapeProto.Builder shape =
        TensorShapeProto.newBuilder()
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("N"));
    for (long dimension : dimensions) {
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(dimension));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(DataType.FLOAT.getNumber())
                        .setShape(shape)))
        .build();
  }
}
