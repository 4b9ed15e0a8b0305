package io.pulmo.coordinator.ring;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** A ring as {@link Shares} sees one: members with speeds and hiccups, on a clock of its own. */
final class SimulatedRing {
  /** What a change of shares costs. */
  static final double VIEW_MILLIS = 100;

  private static final double SMOOTHING = 0.1;

  final Shares shares;
  final List<Node> nodes = new ArrayList<>();
  Map<String, Integer> current = Map.of();
  double networkMillis = 5;
  double millis;
  long samples;
  int steps;
  int changes;

  private final int batch;
  private final Random random;

  SimulatedRing(int batch, long seed) {
    this.batch = batch;
    this.shares = new Shares(batch);
    this.random = new Random(seed);
  }

  /** A member, and what it reports: smoothed as a worker does it. */
  static final class Node {
    final String id;
    double millisPerSample;
    double fixedMillis;
    double dataMillisPerSample;
    double noise;
    private double[] means = {};

    Node(String id, double millisPerSample) {
      this.id = id;
      this.millisPerSample = millisPerSample;
    }

    private void report(Shares to, double... parts) {
      if (means.length == 0) {
        means = parts;
      }
      for (int i = 0; i < parts.length; i++) {
        means[i] += SMOOTHING * (parts[i] - means[i]);
      }
      to.report(id, new Shares.Timing(means[0], means[1], means[2], means[3]));
    }
  }

  Node add(String id, double millisPerSample) {
    Node node = new Node(id, millisPerSample);
    nodes.add(node);
    Map<String, Integer> equal = new LinkedHashMap<>();
    nodes.forEach(one -> equal.put(one.id, 1));
    current = shares.better(ids(), current).orElse(equal);
    return node;
  }

  void remove(Node node) {
    nodes.remove(node);
    shares.forget(node.id);
    Map<String, Integer> left = new LinkedHashMap<>(current);
    left.remove(node.id);
    current = shares.better(ids(), current).orElse(left);
  }

  List<String> ids() {
    return nodes.stream().map(node -> node.id).toList();
  }

  int[] parts() {
    return Division.byShares(batch, ids().stream().mapToInt(current::get).toArray());
  }

  void step() {
    int[] parts = parts();
    double[] compute = new double[parts.length];
    double[] data = new double[parts.length];
    double longest = 0;
    for (int rank = 0; rank < parts.length; rank++) {
      Node node = nodes.get(rank);
      double factor = Math.exp(node.noise * random.nextGaussian());
      compute[rank] =
          parts[rank] == 0 ? 0 : factor * (node.fixedMillis + node.millisPerSample * parts[rank]);
      data[rank] = node.dataMillisPerSample * parts[rank];
      longest = Math.max(longest, compute[rank] + data[rank]);
    }
    millis += longest + networkMillis;
    samples += batch;
    steps++;
    for (int rank = 0; rank < parts.length; rank++) {
      double ring = longest - compute[rank] - data[rank] + networkMillis;
      nodes.get(rank).report(shares, compute[rank], data[rank], ring, parts[rank]);
    }
    Optional<Map<String, Integer>> better = shares.better(ids(), current);
    if (better.isPresent()) {
      current = better.get();
      millis += VIEW_MILLIS;
      changes++;
    }
  }

  void steps(int count) {
    for (int i = 0; i < count; i++) {
      step();
    }
  }

  /** Samples a millisecond over the next steps, view changes included. */
  double throughput(int overSteps) {
    double millisBefore = millis;
    long samplesBefore = samples;
    steps(overSteps);
    return (samples - samplesBefore) / (millis - millisBefore);
  }

  /** What all could do together if nothing were lost. */
  double sumOfSpeeds() {
    return nodes.stream()
        .mapToDouble(node -> 1 / (node.millisPerSample + node.dataMillisPerSample))
        .sum();
  }
}
