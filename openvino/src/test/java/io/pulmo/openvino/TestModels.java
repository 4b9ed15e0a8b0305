package io.pulmo.openvino;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Small models in OpenVINO's own format, written by the tests. */
final class TestModels {
  /** The channels of {@link #convolution}. */
  static final int CHANNELS = 8;

  private TestModels() {}

  /** The runtime that is found here; without one the test is skipped. */
  static Core coreOrSkip() {
    try {
      return Core.create();
    } catch (OpenVinoNotFoundException e) {
      return abort(e.toString());
    }
  }

  /** The sigmoid of an input without a name, of the shape {@code [?,3,4,4]}. */
  static String sigmoid() {
    return net(
        parameter(0, "crops", "", "f32", "FP32", "?,3,4,4", dims(-1, 3, 4, 4))
            + layer(1, "Sigmoid", "", in("FP32", dims(-1, 3, 4, 4)), out(dims(-1, 3, 4, 4), ""))
            + result(2, dims(-1, 3, 4, 4)),
        edge(0, 0, 1, 0) + edge(1, 1, 2, 0));
  }

  /** Inputs a and b; outputs sum and product; all of the shape {@code [?,4]} in an element type. */
  static String sumAndProduct(String type, String precision) {
    String shape = dims(-1, 4).replace("FP32", precision);
    String two = in(0, precision, shape) + in(1, precision, shape);
    return net(
            parameter(0, "a", "a", type, precision, "?,4", shape)
                + parameter(1, "b", "b,second", type, precision, "?,4", shape)
                + binary(2, "Add", two, shape, "sum")
                + binary(3, "Multiply", two, shape, "product")
                + result(4, shape)
                + result(5, shape),
            edge(0, 0, 2, 0)
                + edge(1, 0, 2, 1)
                + edge(0, 0, 3, 0)
                + edge(1, 0, 3, 1)
                + edge(2, 2, 4, 0)
                + edge(3, 2, 5, 0))
        .replace("precision=\"FP32\"", "precision=\"" + precision + "\"");
  }

  /**
   * A 3×3 convolution of 3 channels into {@link #CHANNELS}, then ReLU and the mean of each channel:
   * input {@code image} of {@code [?,3,side,side]}, output {@code means} of {@code
   * [?,CHANNELS,1,1]}. Its weights are {@link #convolutionWeights}.
   */
  static String convolution(int side) {
    String image = dims(-1, 3, side, side);
    String maps = dims(-1, CHANNELS, side, side);
    String kernel = dims(CHANNELS, 3, 3, 3);
    return net(
        parameter(0, "image", "image", "f32", "FP32", "?,3," + side + "," + side, image)
            + constant(1, "f32", "FP32", CHANNELS + ",3,3,3", kernel, 0, CHANNELS * 27 * 4)
            + layer(
                2,
                "Convolution",
                "<data strides=\"1,1\" dilations=\"1,1\" pads_begin=\"1,1\" pads_end=\"1,1\""
                    + " auto_pad=\"explicit\"/>",
                in(0, "FP32", image) + in(1, "FP32", kernel),
                out(2, maps, ""))
            + layer(3, "ReLU", "", in("FP32", maps), out(maps, ""))
            + constant(4, "i64", "I64", "2", dims(2), CHANNELS * 27 * 4, 16)
            + layer(
                5,
                "ReduceMean",
                "<data keep_dims=\"true\"/>",
                in(0, "FP32", maps) + in(1, "I64", dims(2)),
                out(2, dims(-1, CHANNELS, 1, 1), "means"))
            + result(6, dims(-1, CHANNELS, 1, 1)),
        edge(0, 0, 2, 0)
            + edge(1, 0, 2, 1)
            + edge(2, 2, 3, 0)
            + edge(3, 1, 5, 0)
            + edge(4, 0, 5, 1)
            + edge(5, 2, 6, 0));
  }

  /** The kernel, then the axes of the mean. */
  static byte[] convolutionWeights() {
    ByteBuffer bytes = ByteBuffer.allocate(CHANNELS * 27 * 4 + 16).order(ByteOrder.nativeOrder());
    Random random = new Random(5);
    for (int i = 0; i < CHANNELS * 27; i++) {
      bytes.putFloat((float) random.nextGaussian() / 3);
    }
    return bytes.putLong(2).putLong(3).array();
  }

  /** {@link #convolution} in a folder, as a file with its weights beside it. */
  static Path convolutionIn(Path folder, int side) throws IOException {
    Files.write(folder.resolve("convolution.bin"), convolutionWeights());
    return Files.writeString(folder.resolve("convolution.xml"), convolution(side));
  }

  private static String net(String layers, String edges) {
    return "<?xml version=\"1.0\"?>\n<net name=\"test\" version=\"11\"><layers>"
        + layers
        + "</layers><edges>"
        + edges
        + "</edges></net>\n";
  }

  private static String parameter(
      int id, String name, String names, String type, String precision, String shape, String dims) {
    return "<layer id=\"%d\" name=\"%s\" type=\"Parameter\" version=\"opset1\">".formatted(id, name)
        + "<data shape=\"%s\" element_type=\"%s\"/><output>".formatted(shape, type)
        + "<port id=\"0\" precision=\"%s\"%s>%s</port></output></layer>"
            .formatted(precision, named(names), dims);
  }

  private static String constant(
      int id, String type, String precision, String shape, String dims, int offset, int size) {
    return "<layer id=\"%d\" name=\"c%d\" type=\"Const\" version=\"opset1\">".formatted(id, id)
        + "<data element_type=\"%s\" shape=\"%s\" offset=\"%d\" size=\"%d\"/>"
            .formatted(type, shape, offset, size)
        + "<output><port id=\"0\" precision=\"%s\">%s</port></output></layer>"
            .formatted(precision, dims);
  }

  private static String binary(int id, String type, String inputs, String dims, String names) {
    return layer(id, type, "<data auto_broadcast=\"numpy\"/>", inputs, out(2, dims, names));
  }

  private static String layer(int id, String type, String data, String inputs, String output) {
    return "<layer id=\"%d\" name=\"%s\" type=\"%s\" version=\"opset1\">"
            .formatted(id, type.toLowerCase(java.util.Locale.ROOT) + id, type)
        + data
        + "<input>"
        + inputs
        + "</input><output>"
        + output
        + "</output></layer>";
  }

  private static String result(int id, String dims) {
    return "<layer id=\"%d\" name=\"result%d\" type=\"Result\" version=\"opset1\"><input>"
            .formatted(id, id)
        + in("FP32", dims)
        + "</input></layer>";
  }

  private static String in(String precision, String dims) {
    return in(0, precision, dims);
  }

  private static String in(int port, String precision, String dims) {
    return "<port id=\"%d\" precision=\"%s\">%s</port>".formatted(port, precision, dims);
  }

  private static String out(String dims, String names) {
    return out(1, dims, names);
  }

  private static String out(int port, String dims, String names) {
    return "<port id=\"%d\" precision=\"FP32\"%s>%s</port>".formatted(port, named(names), dims);
  }

  private static String named(String names) {
    return names.isEmpty() ? "" : " names=\"" + names + "\"";
  }

  private static String dims(long... dims) {
    StringBuilder all = new StringBuilder();
    for (long dim : dims) {
      all.append("<dim>").append(dim).append("</dim>");
    }
    return all.toString();
  }

  private static String edge(int from, int fromPort, int to, int toPort) {
    return "<edge from-layer=\"%d\" from-port=\"%d\" to-layer=\"%d\" to-port=\"%d\"/>"
        .formatted(from, fromPort, to, toPort);
  }
}
