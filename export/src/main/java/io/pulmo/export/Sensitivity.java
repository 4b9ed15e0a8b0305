package io.pulmo.export;

import io.pulmo.openvino.Core;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;

/**
 * What each part of a network costs in integers: how far the probabilities move when that part
 * alone is quantized.
 *
 * @param parts the costliest first
 */
public record Sensitivity(List<Cost> parts) {
  /** Copies the list. */
  public Sensitivity {
    parts = List.copyOf(parts);
  }

  /**
   * One part's.
   *
   * @param part its name, as {@link Quantizer#parts} has it
   * @param meanDifference the mean over crops and findings of |Δp| against float32
   */
  public record Cost(String part, double meanDifference) {}

  /**
   * Compiles and runs the network once for each part, which takes minutes for a large one: some
   * twenty crops tell the parts apart.
   *
   * @param crops each of 3 × side × side floats, normalized; read once for each part
   * @param progress is told the number of parts done
   */
  public static Sensitivity measure(
      Core core, Calibration calibration, Iterable<float[]> crops, IntConsumer progress)
      throws IOException {
    Quantizer quantizer = new Quantizer(calibration);
    float[] reference = probabilities(core, calibration.float32(), calibration, crops);
    List<Cost> costs = new ArrayList<>();
    for (String part : quantizer.parts()) {
      Set<String> others = new HashSet<>(quantizer.parts());
      others.remove(part);
      float[] alone =
          probabilities(core, quantizer.onnx(WeightRange.HALF, others), calibration, crops);
      costs.add(new Cost(part, meanDifference(reference, alone)));
      progress.accept(costs.size());
    }
    // Ties are broken by the network's order, so that two runs agree.
    costs.sort(Comparator.comparingDouble(Cost::meanDifference).reversed());
    return new Sensitivity(costs);
  }

  /** The probabilities of each crop, end to end. */
  static float[] probabilities(
      Core core, byte[] onnx, Calibration calibration, Iterable<float[]> crops) throws IOException {
    List<float[]> answers = new ArrayList<>();
    try (CropRunner runner = CropRunner.open(core, onnx, calibration.cropPixels())) {
      runner.run(crops.iterator(), answers::add);
    }
    int size = answers.stream().mapToInt(a -> a.length).sum();
    float[] all = new float[size];
    int at = 0;
    for (float[] answer : answers) {
      System.arraycopy(answer, 0, all, at, answer.length);
      at += answer.length;
    }
    return all;
  }

  /** The mean of |a - b|. */
  static double meanDifference(float[] a, float[] b) {
    if (a.length != b.length || a.length == 0) {
      throw new IllegalArgumentException(
          a.length + " and " + b.length + " probabilities, expected as many and at least one");
    }
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs((double) a[i] - b[i]);
    }
    return sum / a.length;
  }
}
