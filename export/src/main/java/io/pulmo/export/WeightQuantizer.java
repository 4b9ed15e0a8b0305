package io.pulmo.export;

import io.pulmo.export.FoldedNetwork.Convolution;

/**
 * A convolution's weights as integers.
 *
 * <p>Each output channel's step is the one of a row of candidates that loses least: the sum, over
 * its weights, of the squared error times the mean square of what the weight is multiplied by. What
 * is lost on average all the same is known (a tap's mean input times the weight's error) and given
 * back by the bias.
 *
 * @param values of shape out, in, side, side
 * @param steps of one integer, for each output channel
 * @param bias for each output channel, in float
 */
record WeightQuantizer(byte[] values, double[] steps, double[] bias) {
  private static final int GREATEST = 127;

  /** Of two neighbours: 255 × 128 still fits into 16 bits. */
  private static final int GREATEST_SUM = 128;

  /** The steps tried, as parts of the one that gives the greatest weight the greatest integer. */
  private static final double LEAST_STEP = 0.7;

  private static final double MOST_STEP = 2;
  private static final double STEP_OF_STEPS = 0.05;

  /**
   * Quantizes a convolution.
   *
   * @param layer in units of the integers that it reads
   * @param input what it reads, in real units
   * @param unit of each input channel
   */
  static WeightQuantizer of(
      Convolution layer, ChannelStatistics input, double[] unit, WeightRange range) {
    double[] power = new double[layer.filterSize()];
    double[] mean = new double[layer.filterSize()];
    for (int i = 0; i < power.length; i++) {
      int channel = i / layer.taps();
      double seen = seen(layer, i % layer.taps(), input.sidePixels());
      power[i] = seen * input.meanSquare()[channel] / (unit[channel] * unit[channel]);
      mean[i] = seen * input.mean()[channel] / unit[channel];
    }
    byte[] values = new byte[layer.weights().length];
    double[] steps = new double[layer.out()];
    double[] bias = layer.bias().clone();
    Filter filter = new Filter(layer, power, range);
    for (int o = 0; o < layer.out(); o++) {
      steps[o] = filter.quantize(o);
      for (int i = 0; i < filter.best.length; i++) {
        values[o * filter.best.length + i] = (byte) filter.best[i];
        bias[o] += (filter.weights[i] - filter.best[i] * steps[o]) * mean[i];
      }
    }
    return new WeightQuantizer(values, steps, bias);
  }

  /** The part of the output's pixels at which a tap lies on the input, not on its padding. */
  static double seen(Convolution layer, int tap, int inPixels) {
    return seenAlong(layer, tap / layer.sidePixels(), inPixels)
        * seenAlong(layer, tap % layer.sidePixels(), inPixels);
  }

  private static double seenAlong(Convolution layer, int offset, int inPixels) {
    int out = layer.outPixels(inPixels);
    int seen = 0;
    for (int at = 0; at < out; at++) {
      int read = at * layer.stride() + offset - layer.padding();
      if (read >= 0 && read < inPixels) {
        seen++;
      }
    }
    return (double) seen / out;
  }

  /** One output channel's weights, in turn. */
  private static final class Filter {
    private final Convolution layer;
    private final double[] power;
    private final WeightRange range;
    private final double[] weights;
    private final int[] tried;
    private final int[] best;

    Filter(Convolution layer, double[] power, WeightRange range) {
      this.layer = layer;
      this.power = power;
      this.range = range;
      weights = new double[layer.filterSize()];
      tried = new int[weights.length];
      best = new int[weights.length];
    }

    /** Finds the integers of an output channel and returns the step. */
    double quantize(int output) {
      System.arraycopy(layer.weights(), output * weights.length, weights, 0, weights.length);
      double widest = Float.MIN_NORMAL;
      for (double weight : weights) {
        widest = Math.max(widest, Math.abs(weight));
      }
      double most = range == WeightRange.FULL ? 1 : MOST_STEP;
      int candidates = (int) Math.rint((most - LEAST_STEP) / STEP_OF_STEPS);
      double bestStep = widest / GREATEST;
      double leastError = Double.POSITIVE_INFINITY;
      for (int k = 0; k <= candidates; k++) {
        double step = widest / GREATEST * (LEAST_STEP + STEP_OF_STEPS * k);
        round(step);
        double error = error(step);
        if (error < leastError) {
          leastError = error;
          bestStep = step;
          System.arraycopy(tried, 0, best, 0, best.length);
        }
      }
      return bestStep;
    }

    private void round(double step) {
      for (int i = 0; i < tried.length; i++) {
        tried[i] = (int) Math.clamp(Math.rint(weights[i] / step), -GREATEST, GREATEST);
      }
      if (range == WeightRange.HALF) {
        int taps = layer.taps();
        for (int i = 0; i + taps < tried.length; i++) {
          if (i / taps % 2 == 0) {
            limitSum(i, i + taps);
          }
        }
      }
    }

    /** Takes from two neighbours in equal parts what their sum has too much. */
    private void limitSum(int first, int second) {
      int sum = tried[first] + tried[second];
      int tooMuch = Math.abs(sum) - GREATEST_SUM;
      if (tooMuch > 0) {
        int sign = Integer.signum(sum);
        tried[first] -= sign * (tooMuch / 2);
        tried[second] -= sign * (tooMuch - tooMuch / 2);
      }
    }

    private double error(double step) {
      double error = 0;
      for (int i = 0; i < weights.length; i++) {
        double lost = weights[i] - tried[i] * step;
        error += lost * lost * power[i];
      }
      return error;
    }
  }
}
