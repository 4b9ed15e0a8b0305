package io.pulmo.coordinator.ring;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.function.ToDoubleFunction;

/** Where one member's time goes, by the median of its newest reports: one hiccup is no pace. */
final class Pace {
  private static final int WINDOW = 5;
  private static final int LEAST = 3;

  private final Deque<Shares.Timing> window = new ArrayDeque<>();
  private boolean fresh;
  private double lastMillisPerSample = Double.NaN;

  void add(Shares.Timing timing) {
    if (window.size() == WINDOW) {
      window.removeFirst();
    }
    window.addLast(timing);
    fresh = true;
  }

  /** Forgets the reports: they speak of other circumstances. */
  void clear() {
    lastMillisPerSample = lastMillisPerSample();
    window.clear();
    fresh = false;
  }

  /** Whether there are reports enough to speak of a pace. */
  boolean isKnown() {
    return window.size() >= LEAST;
  }

  /** Whether a report has come since this was last {@linkplain #taken}. */
  boolean isFresh() {
    return fresh;
  }

  void taken() {
    fresh = false;
  }

  double computeMillisPerSample() {
    return median(timing -> timing.computeMillis() / timing.samplesAStep());
  }

  double dataMillisPerSample() {
    return median(timing -> timing.dataMillis() / timing.samplesAStep());
  }

  /** Of computing and of waiting for images. */
  double millisPerSample() {
    return median(timing -> (timing.computeMillis() + timing.dataMillis()) / timing.samplesAStep());
  }

  /** Even if that was under other circumstances; NaN if it was never known. */
  double lastMillisPerSample() {
    return isKnown() ? millisPerSample() : lastMillisPerSample;
  }

  double ringMillis() {
    return median(Shares.Timing::ringMillis);
  }

  /** Without the optimizer. */
  double stepMillis() {
    return median(timing -> timing.computeMillis() + timing.dataMillis() + timing.ringMillis());
  }

  double samplesAStep() {
    return median(Shares.Timing::samplesAStep);
  }

  private double median(ToDoubleFunction<Shares.Timing> of) {
    return median(window.stream().mapToDouble(of).toArray());
  }

  /** The middle value, or the mean of the two in the middle. */
  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The median over several members. */
  static double median(Collection<Pace> paces, ToDoubleFunction<Pace> of) {
    return median(paces.stream().mapToDouble(of).toArray());
  }
}
