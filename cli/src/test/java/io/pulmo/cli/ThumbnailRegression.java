package io.pulmo.cli;

import io.pulmo.model.Finding;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Pixels;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.model.metric.AucReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A logistic regression on thumbnails of 16 × 16 pixels: what can be told from brightness alone.
 *
 * <p>A network that claims to see structure must beat it. One regression a finding, on pixels
 * standardized over the training list, with an L2 penalty on all weights but the intercept, fitted
 * by Newton's method until no component of the gradient exceeds 1e-8 of the number of images.
 * Deterministic.
 */
public final class ThumbnailRegression {
  private static final int SIDE = 16;
  private static final int PIXELS = SIDE * SIDE;
  private static final int WEIGHTS = PIXELS + 1;

  /** Half of it times the squared weights is added to the summed log loss. */
  private static final double PENALTY = 10;

  private static final int MOST_STEPS = 100;

  private ThumbnailRegression() {}

  /**
   * Fits on one list and reports on another.
   *
   * @param images the folder of both lists' images
   * @throws IllegalStateException if a fit does not converge
   */
  public static AucReport evaluate(Path images, LabelList train, LabelList test)
      throws IOException, UnreadableImageException {
    double[][] learned = thumbnails(images, train);
    double[][] asked = thumbnails(images, test);
    standardize(learned, asked);
    float[] scores = new float[asked.length * Finding.COUNT];
    // Each finding is its own sum, so the answer does not depend on how many cores there are.
    IntStream.range(0, Finding.COUNT)
        .parallel()
        .forEach(
            f -> {
              boolean[] labels = new boolean[learned.length];
              for (int i = 0; i < labels.length; i++) {
                labels[i] = train.positive(i, Finding.ALL.get(f));
              }
              double[] weights = fit(learned, labels);
              for (int i = 0; i < asked.length; i++) {
                scores[i * Finding.COUNT + f] = (float) dot(weights, asked[i]);
              }
            });
    return AucReport.of(scores, test);
  }

  /** Rows of pixels in 0..1, with a 1 for the intercept at the end. */
  private static double[][] thumbnails(Path images, LabelList list)
      throws IOException, UnreadableImageException {
    ImagePipeline pipeline =
        new ImagePipeline(new Preprocessing(SIDE, SIDE, List.of(0f, 0f, 0f), List.of(1f, 1f, 1f)));
    double[][] rows = new double[list.size()][WEIGHTS];
    float[] crop = new float[3 * PIXELS];
    for (int i = 0; i < rows.length; i++) {
      Pixels thumbnail = pipeline.resized(Files.readAllBytes(images.resolve(list.name(i))));
      pipeline.centreCrop(thumbnail, crop, 0);
      for (int p = 0; p < PIXELS; p++) {
        rows[i][p] = crop[p];
      }
      rows[i][PIXELS] = 1;
    }
    return rows;
  }

  private static void standardize(double[][] learned, double[][] asked) {
    for (int p = 0; p < PIXELS; p++) {
      double sum = 0;
      double squares = 0;
      for (double[] row : learned) {
        sum += row[p];
        squares += row[p] * row[p];
      }
      double mean = sum / learned.length;
      double deviation = Math.sqrt(Math.max(0, squares / learned.length - mean * mean)) + 1e-6;
      for (double[][] rows : new double[][][] {learned, asked}) {
        for (double[] row : rows) {
          row[p] = (row[p] - mean) / deviation;
        }
      }
    }
  }

  private static double[] fit(double[][] rows, boolean[] labels) {
    double[] weights = new double[WEIGHTS];
    double loss = loss(weights, rows, labels);
    for (int step = 0; step < MOST_STEPS; step++) {
      double[] gradient = new double[WEIGHTS];
      double[][] curvature = new double[WEIGHTS][WEIGHTS];
      for (int i = 0; i < rows.length; i++) {
        double probability = 1 / (1 + StrictMath.exp(-dot(weights, rows[i])));
        double error = probability - (labels[i] ? 1 : 0);
        double spread = probability * (1 - probability);
        for (int a = 0; a < WEIGHTS; a++) {
          gradient[a] += error * rows[i][a];
          double scaled = spread * rows[i][a];
          double[] line = curvature[a];
          for (int b = 0; b <= a; b++) {
            line[b] += scaled * rows[i][b];
          }
        }
      }
      double steepest = 0;
      for (int a = 0; a < WEIGHTS; a++) {
        if (a < PIXELS) {
          gradient[a] += PENALTY * weights[a];
          curvature[a][a] += PENALTY;
        }
        steepest = Math.max(steepest, Math.abs(gradient[a]));
      }
      if (steepest < 1e-8 * rows.length) {
        return weights;
      }
      solve(curvature, gradient);
      double length = 1;
      double[] next = moved(weights, gradient, length);
      // A full step can overshoot far from the optimum: halve it until the loss falls.
      while (loss(next, rows, labels) > loss && length > 1e-6) {
        length /= 2;
        next = moved(weights, gradient, length);
      }
      weights = next;
      loss = loss(weights, rows, labels);
    }
    throw new IllegalStateException("no convergence after " + MOST_STEPS + " Newton steps");
  }

  private static double[] moved(double[] weights, double[] step, double length) {
    double[] moved = new double[WEIGHTS];
    for (int a = 0; a < WEIGHTS; a++) {
      moved[a] = weights[a] - length * step[a];
    }
    return moved;
  }

  private static double loss(double[] weights, double[][] rows, boolean[] labels) {
    double loss = 0;
    for (int i = 0; i < rows.length; i++) {
      double margin = (labels[i] ? 1 : -1) * dot(weights, rows[i]);
      loss += Math.max(0, -margin) + StrictMath.log1p(StrictMath.exp(-Math.abs(margin)));
    }
    for (int p = 0; p < PIXELS; p++) {
      loss += PENALTY / 2 * weights[p] * weights[p];
    }
    return loss;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < WEIGHTS; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** Cholesky: the lower half of the matrix becomes its factor, the vector the solution. */
  private static void solve(double[][] matrix, double[] vector) {
    for (int a = 0; a < WEIGHTS; a++) {
      for (int b = 0; b <= a; b++) {
        double sum = matrix[a][b];
        for (int c = 0; c < b; c++) {
          sum -= matrix[a][c] * matrix[b][c];
        }
        matrix[a][b] = a == b ? Math.sqrt(sum) : sum / matrix[b][b];
      }
    }
    for (int a = 0; a < WEIGHTS; a++) {
      for (int c = 0; c < a; c++) {
        vector[a] -= matrix[a][c] * vector[c];
      }
      vector[a] /= matrix[a][a];
    }
    for (int a = WEIGHTS - 1; a >= 0; a--) {
      for (int c = a + 1; c < WEIGHTS; c++) {
        vector[a] -= matrix[c][a] * vector[c];
      }
      vector[a] /= matrix[a][a];
    }
  }
}
