package io.pulmo.export;

import io.pulmo.export.FoldedNetwork.Convolution;
import io.pulmo.export.FoldedNetwork.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A network that computes in 8-bit integers, as ONNX.
 *
 * <p>Its parts can stay float32 one by one. A part is a convolution, named as torchvision names it,
 * with the value that it reads; or, as that name with {@code .output}, the integers in which its
 * result is concatenated. The classifier and the last batch norm are always float32: together they
 * take less than one hundredth of the time.
 */
public final class Quantizer {
  /** Behind a convolution's name: its result, not itself. */
  static final String OUTPUT = ".output";

  private final Calibration calibration;
  private final IntegerUnits units;
  private final FoldedNetwork network;

  /** A quantizer of the network that was calibrated. */
  public Quantizer(Calibration calibration) {
    this.calibration = calibration;
    units = new IntegerUnits(calibration);
    network = units.network();
  }

  /** The names of all parts, in the network's order. */
  public List<String> parts() {
    Set<String> parts = new LinkedHashSet<>();
    units.quantized().values().forEach(quantized -> parts.add(quantized.part()));
    return List.copyOf(parts);
  }

  /**
   * The bytes of the model file: input and output as {@link OnnxGraph}'s.
   *
   * @param range of the weights
   * @param keepFloat parts that stay float32
   * @throws IllegalArgumentException naming a part that there is not
   */
  public byte[] onnx(WeightRange range, Set<String> keepFloat) {
    List<String> unknown = new ArrayList<>(keepFloat);
    unknown.removeAll(parts());
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "no part to keep in float32 is named "
              + unknown.getFirst()
              + ", expected one such as "
              + parts().getFirst());
    }
    Map<String, ValueQuantizer> values = new HashMap<>();
    units
        .quantized()
        .forEach(
            (value, quantized) -> {
              if (!keepFloat.contains(quantized.part())) {
                values.put(value, quantized.quantizer());
              }
            });
    Map<String, WeightQuantizer> weights = new HashMap<>();
    for (Node node : network.nodes()) {
      // Integer weights beside float32 values would be no faster, and OpenVINO 2026.4 was seen to
      // compute such convolutions wrongly, one time in ten, in two streams.
      if (node instanceof Convolution c && !keepFloat.contains(c.name())) {
        weights.put(
            c.name(),
            WeightQuantizer.of(c, calibration.of(c.input()), units.unit(c.input()), range));
      }
    }
    return OnnxGraph.of(network, calibration.cropPixels(), values, weights);
  }
}
