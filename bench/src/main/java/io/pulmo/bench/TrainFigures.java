package io.pulmo.bench;

import io.pulmo.cli.terminal.Table;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * The figures of a bench of training.
 *
 * @param begin under what it ran
 * @param plan how it was timed
 * @param batch of a step
 * @param ours round by round
 * @param theirs the peer's; empty without one
 */
record TrainFigures(
    ClusterEvent.Begin begin,
    ClusterEvent.Rounds plan,
    int batch,
    List<Round> ours,
    List<Round> theirs) {
  /**
   * A round: means over its steps, in milliseconds.
   *
   * @param imagesPerSecond of all members together
   * @param forwardBackward the gradient
   * @param allReduce the ring, waiting for the others' gradients included
   * @param apply the optimizer
   * @param data waiting for decoded images
   * @param step all of it
   */
  record Round(
      double imagesPerSecond,
      double forwardBackward,
      double allReduce,
      double apply,
      double data,
      double step) {
    /** What is in none of the parts. */
    double waiting() {
      return Math.max(0, step - forwardBackward - allReduce - apply - data);
    }

    /** The part of a step that is not the gradient. */
    double besides() {
      return 1 - forwardBackward / step;
    }
  }

  private static double median(List<Round> rounds, ToDoubleFunction<Round> figure) {
    double[] sorted = rounds.stream().mapToDouble(figure).sorted().toArray();
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  /** Images a second, the median over the rounds. */
  double imagesPerSecond() {
    return median(ours, Round::imagesPerSecond);
  }

  /** How much of a step is neither forward nor backward, the median over the rounds. */
  double besidesPercent() {
    return 100 * median(ours, Round::besides);
  }

  /** How many times the peer's images a second; the median of the rounds' ratios. */
  double rateToPeer() {
    double[] ratios = new double[ours.size()];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = ours.get(i).imagesPerSecond() / theirs.get(i).imagesPerSecond();
    }
    java.util.Arrays.sort(ratios);
    int half = ratios.length / 2;
    return ratios.length % 2 == 1 ? ratios[half] : (ratios[half - 1] + ratios[half]) / 2;
  }

  /** For people. */
  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        "%s, batch %d, %d workers on %d cores, median of %d rounds of %d steps%npulmo: Java %s%n"
            .formatted(
                begin.preset(),
                batch,
                begin.workers(),
                begin.cores(),
                plan.rounds(),
                plan.steps(),
                begin.java()));
    if (plan.peer() != null) {
      text.append("peer: ").append(plan.peer()).append('\n');
    }
    Table table =
        new Table(
            "", "images/s", "step ms", "forward, backward", "all-reduce", "apply", "data", "wait");
    row(table, "pulmo", ours);
    if (!theirs.isEmpty()) {
      row(table, "peer", theirs);
    }
    text.append(table);
    text.append(
        String.format(
            Locale.ROOT, "besides forward and backward: %.1f %% of a step%n", besidesPercent()));
    if (!theirs.isEmpty()) {
      text.append(String.format(Locale.ROOT, "times the peer's rate: %.3f%n", rateToPeer()));
    }
    return text.toString();
  }

  private static void row(Table table, String who, List<Round> rounds) {
    table.row(
        who,
        cell("%.2f", median(rounds, Round::imagesPerSecond)),
        cell("%.1f", median(rounds, Round::step)),
        cell("%.1f", median(rounds, Round::forwardBackward)),
        cell("%.1f", median(rounds, Round::allReduce)),
        cell("%.1f", median(rounds, Round::apply)),
        cell("%.1f", median(rounds, Round::data)),
        cell("%.1f", median(rounds, Round::waiting)));
  }

  private static String cell(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  /** For programs. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("preset", begin.preset());
    json.put("batch", batch);
    json.put("workers", begin.workers());
    json.put("cores", begin.cores());
    json.put("rounds", plan.rounds());
    json.put("java", begin.java());
    json.putAll(json(ours));
    json.put("besides_forward_backward_pct", besidesPercent());
    if (!theirs.isEmpty()) {
      // The peer's figures have the names of Pulmo's own, as in every bench.
      Map<String, Object> peer = json(theirs);
      peer.put("tools", plan.peer());
      json.put("peer", peer);
      json.put("rate_to_peer", rateToPeer());
    }
    return json;
  }

  private static Map<String, Object> json(List<Round> rounds) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("images_per_s", median(rounds, Round::imagesPerSecond));
    Map<String, Object> parts = new LinkedHashMap<>();
    parts.put("forward_backward", median(rounds, Round::forwardBackward));
    parts.put("allreduce", median(rounds, Round::allReduce));
    parts.put("apply", median(rounds, Round::apply));
    parts.put("data", median(rounds, Round::data));
    parts.put("wait", median(rounds, Round::waiting));
    json.put("step_ms", parts);
    return json;
  }
}
