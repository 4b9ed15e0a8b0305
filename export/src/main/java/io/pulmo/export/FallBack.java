package io.pulmo.export;

import io.pulmo.model.Finding;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.metric.AucReport;
import io.pulmo.openvino.Core;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;

/**
 * The fewest parts of a network that must stay float32 until the rest is accurate enough in
 * integers.
 *
 * <p>Parts are taken in the order of their {@link Sensitivity}, costliest first: 1, 2, 4 and so on
 * until the limit holds, then fewer by bisection. It is measured with half-range weights, which
 * every processor multiplies exactly; full-range weights lose less, so what holds for these holds
 * for those.
 *
 * @param keepFloat the parts
 * @param before what the limit bounds, with every part in integers
 * @param after the same with these parts in float32
 */
public record FallBack(Set<String> keepFloat, double before, double after) {
  /** Copies the set. */
  public FallBack {
    keepFloat = Set.copyOf(keepFloat);
  }

  /** What is bounded, of probabilities in float32 and in integers, fourteen for each crop. */
  @FunctionalInterface
  public interface Cost {
    /** A number that is 0 or less if both are the same. */
    double of(float[] float32, float[] integers);

    /** The mean |Δp|, for images without labels. */
    static Cost meanDifference() {
      return Sensitivity::meanDifference;
    }

    /**
     * By how much the mean AUC falls.
     *
     * @param labels of the images, whose crops follow one another
     * @param cropsPerImage their mean is the image's answer
     */
    static Cost aucDrop(LabelList labels, int cropsPerImage) {
      return (float32, integers) ->
          AucReport.of(studies(float32, cropsPerImage), labels).mean()
              - AucReport.of(studies(integers, cropsPerImage), labels).mean();
    }

    private static float[] studies(float[] crops, int cropsPerImage) {
      float[] studies = new float[crops.length / cropsPerImage];
      for (int i = 0; i < studies.length; i++) {
        double sum = 0;
        int first = i / Finding.COUNT * cropsPerImage * Finding.COUNT + i % Finding.COUNT;
        for (int crop = 0; crop < cropsPerImage; crop++) {
          sum += crops[first + crop * Finding.COUNT];
        }
        studies[i] = (float) (sum / cropsPerImage);
      }
      return studies;
    }
  }

  /**
   * Searches.
   *
   * @param crops that the cost is taken over; read once for each try
   * @param samples that the sensitivity is taken over, if it is needed: some twenty crops
   * @param most the cost that is allowed, 0 or more
   * @param progress is told the number of parts whose sensitivity is known
   */
  public static FallBack search(
      Core core,
      Calibration calibration,
      Iterable<float[]> crops,
      Iterable<float[]> samples,
      Cost cost,
      double most,
      IntConsumer progress)
      throws IOException {
    if (!(most >= 0)) {
      throw new IllegalArgumentException("the cost allowed is " + most + ", expected 0 or more");
    }
    Trials trials = new Trials(core, calibration, crops, cost);
    double before = trials.cost(Set.of());
    if (Double.isNaN(before)) {
      throw new IllegalArgumentException(
          "the cost is no number: a finding needs a positive and a negative among the images;"
              + " give more of them, or bound the mean |Δp|");
    }
    if (before <= most) {
      return new FallBack(Set.of(), before, before);
    }
    List<String> worstFirst =
        Sensitivity.measure(core, calibration, samples, progress).parts().stream()
            .map(Sensitivity.Cost::part)
            .toList();
    int tooFew = 0;
    int enough = 1;
    double after = trials.cost(head(worstFirst, enough));
    while (!(after <= most) && enough < worstFirst.size()) {
      tooFew = enough;
      enough = Math.min(2 * enough, worstFirst.size());
      after = trials.cost(head(worstFirst, enough));
    }
    while (enough - tooFew > 1) {
      int middle = (tooFew + enough) / 2;
      double tried = trials.cost(head(worstFirst, middle));
      if (tried <= most) {
        enough = middle;
        after = tried;
      } else {
        tooFew = middle;
      }
    }
    return new FallBack(head(worstFirst, enough), before, after);
  }

  private static Set<String> head(List<String> parts, int count) {
    return new HashSet<>(parts.subList(0, count));
  }

  /** The networks that are tried, against one reference. */
  private static final class Trials {
    private final Core core;
    private final Calibration calibration;
    private final Iterable<float[]> crops;
    private final Cost cost;
    private final Quantizer quantizer;
    private final float[] reference;

    Trials(Core core, Calibration calibration, Iterable<float[]> crops, Cost cost)
        throws IOException {
      this.core = core;
      this.calibration = calibration;
      this.crops = crops;
      this.cost = cost;
      quantizer = new Quantizer(calibration);
      reference = Sensitivity.probabilities(core, calibration.float32(), calibration, crops);
    }

    double cost(Set<String> keepFloat) throws IOException {
      byte[] onnx = quantizer.onnx(WeightRange.HALF, keepFloat);
      return cost.of(reference, Sensitivity.probabilities(core, onnx, calibration, crops));
    }
  }
}
