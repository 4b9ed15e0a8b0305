package io.pulmo.worker.train;

/**
 * How long steps take, part by part, smoothed over some twenty of them or over some seconds, where
 * these are fewer steps: who has become slow is to be known soon.
 */
public final class Pace {
  private static final double LEAST_WEIGHT = 0.1;
  private static final double SMOOTHED_MILLIS = 2_000;

  private Means means = new Means(0, 0, 0, 0, 0);
  private double secondsPerSample;
  private boolean started;

  Pace() {}

  /**
   * The parts of a step, in milliseconds.
   *
   * @param compute of the gradient
   * @param data waiting for samples
   * @param ring all-reducing, waiting for others included
   * @param apply changing the state
   * @param samples that this member computes
   */
  public record Means(double compute, double data, double ring, double apply, double samples) {
    /** All parts together. */
    public double step() {
      return compute + data + ring + apply;
    }
  }

  /** Takes note of a step over so many samples of all members. */
  void step(Means parts, int globalSamples) {
    double lately = -Math.expm1(-parts.step() / SMOOTHED_MILLIS);
    double weight = started ? Math.max(LEAST_WEIGHT, lately) : 1;
    means =
        new Means(
            mix(means.compute, parts.compute, weight),
            mix(means.data, parts.data, weight),
            mix(means.ring, parts.ring, weight),
            mix(means.apply, parts.apply, weight),
            mix(means.samples, parts.samples, weight));
    secondsPerSample = mix(secondsPerSample, parts.step() / 1e3 / globalSamples, weight);
    started = true;
  }

  Means means() {
    return means;
  }

  double samplesPerSecond() {
    return secondsPerSample == 0 ? 0 : 1 / secondsPerSample;
  }

  private static double mix(double before, double now, double weight) {
    return before + weight * (now - before);
  }
}
