package io.pulmo.coordinator.ring;

import com.google.errorprone.annotations.FormatMethod;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which members are slow and why. A member is measured against the median of the others, and one
 * that is named stays so until it is clearly better than what it took to be named.
 *
 * <p>The ring's members leave it together, so that a member's time in the ring says nothing of its
 * own network: it is made of waiting for the last one to come, and of what the last one spends
 * there too. When the latter grows far beyond what it was and is a good part of the step for some
 * rounds of reports, all are named; but not while one computes slowly, for a process that gets too
 * little time is late in the ring too.
 */
final class Slowness {
  private static final double COMPUTE_FROM = 1.6;
  private static final double COMPUTE_UNTIL = 1.4;
  private static final double DATA_FROM = 0.4;
  private static final double DATA_UNTIL = 0.25;
  private static final double NETWORK_GROWN_FROM = 2.5;
  private static final double NETWORK_GROWN_UNTIL = 1.8;
  private static final int NETWORK_ROUNDS = 6;
  private static final double NETWORK_PART_FROM = 0.3;
  private static final double NETWORK_PART_UNTIL = 0.2;

  private final Map<String, String> compute = new TreeMap<>();
  private final Map<String, String> data = new TreeMap<>();
  private final Map<String, String> network = new TreeMap<>();
  private double usualNetworkMillis = Double.POSITIVE_INFINITY;
  private int reportsOfSlowNetwork;

  /** Looks again, after a report. Members whose pace is not known yet keep what they are called. */
  void judge(Map<String, Pace> paces) {
    Map<String, Pace> known = new HashMap<>(paces);
    known.values().removeIf(pace -> !pace.isKnown());
    if (known.size() < 2) {
      return;
    }
    known.forEach(
        (id, pace) -> {
          List<Pace> others = new ArrayList<>(known.values());
          others.remove(pace);
          judgeCompute(id, pace, others);
          judgeData(id, pace, others);
        });
    if (known.size() == paces.size()) {
      judgeNetwork(known);
    }
  }

  private void judgeCompute(String id, Pace pace, List<Pace> others) {
    double times =
        pace.computeMillisPerSample() / Pace.median(others, Pace::computeMillisPerSample);
    if (times > (compute.containsKey(id) ? COMPUTE_UNTIL : COMPUTE_FROM)) {
      compute.put(id, words("compute: %.1f times the others' median a sample", times));
    } else {
      compute.remove(id);
    }
  }

  private void judgeData(String id, Pace pace, List<Pace> others) {
    double usual = Pace.median(others, Pace::dataMillisPerSample);
    double more = pace.dataMillisPerSample() - usual;
    double part = more / Pace.median(others, Pace::millisPerSample);
    if (part > (data.containsKey(id) ? DATA_UNTIL : DATA_FROM)) {
      data.put(
          id,
          words(
              "data: waits %.1f ms a sample for images, the others %.1f",
              pace.dataMillisPerSample(), usual));
    } else {
      data.remove(id);
    }
  }

  private void judgeNetwork(Map<String, Pace> known) {
    double millis = networkMillis(known.values());
    double step = Pace.median(known.values(), Pace::stepMillis);
    usualNetworkMillis = Math.min(usualNetworkMillis, millis);
    boolean named = !network.isEmpty();
    boolean slow =
        compute.isEmpty()
            && millis > step * (named ? NETWORK_PART_UNTIL : NETWORK_PART_FROM)
            && millis > usualNetworkMillis * (named ? NETWORK_GROWN_UNTIL : NETWORK_GROWN_FROM);
    reportsOfSlowNetwork = slow ? reportsOfSlowNetwork + 1 : 0;
    network.clear();
    if (slow && (named || reportsOfSlowNetwork > NETWORK_ROUNDS * known.size())) {
      String why =
          words(
              "network: the ring takes %.0f ms of a step, %.0f before", millis, usualNetworkMillis);
      known.keySet().forEach(id -> network.put(id, why));
    }
  }

  /** What is left of the time in the ring for those that wait there for nobody. */
  static double networkMillis(Iterable<Pace> paces) {
    double least = Double.POSITIVE_INFINITY;
    for (Pace pace : paces) {
      least = Math.min(least, pace.ringMillis());
    }
    return least;
  }

  /** Another ring has another network. */
  void ringChanged() {
    usualNetworkMillis = Double.POSITIVE_INFINITY;
    reportsOfSlowNetwork = 0;
    network.clear();
  }

  void forget(String memberId) {
    compute.remove(memberId);
    data.remove(memberId);
    ringChanged();
  }

  /** Who is slow, and why in words. */
  Map<String, String> words() {
    Map<String, String> all = new TreeMap<>(network);
    data.forEach((id, why) -> all.merge(id, why, (before, more) -> more + "; " + before));
    compute.forEach((id, why) -> all.merge(id, why, (before, more) -> more + "; " + before));
    return all;
  }

  @FormatMethod
  private static String words(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
