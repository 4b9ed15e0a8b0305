package io.pulmo.model.metric;

import io.pulmo.model.Finding;
import io.pulmo.model.Findings;
import io.pulmo.model.data.LabelList;
import java.util.Arrays;
import java.util.List;

/**
 * How well answers over a label list tell each finding's positives from its negatives.
 *
 * @param auc by finding, in the order of {@link Finding}; NaN where the list has no positive or no
 *     negative
 * @param mean of those that are numbers; NaN where none is
 * @param fewestPositives of any finding
 * @param images in the list
 */
public record AucReport(double[] auc, double mean, long fewestPositives, int images) {
  /**
   * The report on answers to all images of a list.
   *
   * @param scores fourteen for each image, images in the list's order
   * @throws IllegalArgumentException if there are more or fewer, or one is NaN
   */
  public static AucReport of(float[] scores, LabelList labels) {
    int images = labels.size();
    if (scores.length != (long) images * Finding.COUNT) {
      throw new IllegalArgumentException(
          scores.length
              + " scores for "
              + images
              + " images, expected "
              + (long) images * Finding.COUNT);
    }
    double[] auc = new double[Finding.COUNT];
    float[] column = new float[images];
    boolean[] positive = new boolean[images];
    for (Finding finding : Finding.ALL) {
      for (int image = 0; image < images; image++) {
        column[image] = scores[image * Finding.COUNT + finding.ordinal()];
        positive[image] = labels.positive(image, finding);
      }
      auc[finding.ordinal()] = RocAuc.of(column, positive);
    }
    double mean =
        Arrays.stream(auc).filter(area -> !Double.isNaN(area)).average().orElse(Double.NaN);
    long fewest = Arrays.stream(labels.positives()).min().orElse(0);
    return new AucReport(auc, mean, fewest, images);
  }

  /**
   * The report on the findings of all images of a list, in the list's order.
   *
   * @throws IllegalArgumentException if there are more or fewer
   */
  public static AucReport of(List<Findings> findings, LabelList labels) {
    float[] scores = new float[findings.size() * Finding.COUNT];
    int at = 0;
    for (Findings one : findings) {
      System.arraycopy(one.probabilities(), 0, scores, at, Finding.COUNT);
      at += Finding.COUNT;
    }
    return of(scores, labels);
  }

  /** The area of one finding; NaN where the list has no positive or no negative. */
  public double of(Finding finding) {
    return auc[finding.ordinal()];
  }
}
