package io.pulmo.bench;

import io.pulmo.bench.ModesEvent.Mode;
import io.pulmo.bench.ModesEvent.What;
import io.pulmo.bench.ModesEvent.Who;
import io.pulmo.cli.terminal.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/**
 * The figures of a bench of modes.
 *
 * @param begin under what it ran
 * @param seconds a study, by round
 * @param leftOut the modes that were not measured
 * @param differences of answers
 */
record ModesFigures(
    ModesEvent.Begin begin,
    SequencedMap<Key, double[]> seconds,
    List<ModesEvent.LeftOut> leftOut,
    List<ModesEvent.Difference> differences) {
  /** Who did what by what. */
  record Key(Who who, Mode mode, What what) {}

  /** Seconds a study: the median over the rounds. */
  OptionalDouble seconds(Who who, Mode mode, What what) {
    double[] rounds = seconds.get(new Key(who, mode, what));
    return rounds == null ? OptionalDouble.empty() : OptionalDouble.of(median(rounds));
  }

  /** How many times the one's rate the other's is; the median of the rounds' ratios. */
  OptionalDouble rate(Key of, Key against) {
    double[] ours = seconds.get(of);
    double[] theirs = seconds.get(against);
    if (ours == null || theirs == null) {
      return OptionalDouble.empty();
    }
    double[] ratios = new double[ours.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = theirs[i] / ours[i];
    }
    return OptionalDouble.of(median(ratios));
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  private What main() {
    return begin.endToEnd() ? What.END_TO_END : What.THROUGHPUT;
  }

  /** For people. */
  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        begin.endToEnd()
            ? "from a PNG file's bytes to its findings, "
            : "from a study's ten crops to its findings, ");
    text.append(begin.bundle())
        .append(" on ")
        .append(begin.cpu())
        .append(" (")
        .append(String.join(" ", begin.cpuFlags()))
        .append("), ")
        .append(begin.threads())
        .append(" threads, median of ")
        .append(begin.rounds())
        .append(" rounds in turns\npulmo: Java ")
        .append(begin.java())
        .append('\n');
    if (begin.peer() != null) {
      text.append("peer: ").append(begin.peer()).append('\n');
    }
    begin
        .plans()
        .forEach(
            (mode, plan) ->
                text.append(
                    "%s: requests of %d crops, %d in flight on %d streams%s%s%n"
                        .formatted(
                            mode.label(),
                            plan.cropsPerRequest(),
                            plan.requests(),
                            plan.streams(),
                            plan.pinned() ? ", pinned" : "",
                            mode == Mode.INT8 ? ", " + begin.weights() + " weights" : "")));
    text.append(table());
    if (begin.peer() != null) {
      text.append(ratios());
    }
    for (ModesEvent.LeftOut left : leftOut) {
      text.append(
          "%s of %s left out: %s%n".formatted(left.mode().label(), label(left.who()), left.why()));
    }
    for (ModesEvent.Difference d : differences) {
      text.append(
          String.format(
              Locale.ROOT,
              "mean |dp| of %s's %s to %s's %s: %.2g%n",
              label(d.who()),
              d.mode().label(),
              label(d.from()),
              d.fromMode().label(),
              d.mean()));
    }
    return text.toString();
  }

  private static String label(Who who) {
    return who.name().toLowerCase(Locale.ROOT);
  }

  private String table() {
    Table table =
        begin.endToEnd()
            ? new Table("s per study", "whole", "studies/s", "rate to pulmo's torch")
            : new Table("s per study", "many at a time", "lone", "rate to pulmo's torch");
    Key torch = new Key(Who.PULMO, Mode.TORCH, main());
    for (Who who : Who.values()) {
      for (Mode mode : Mode.values()) {
        OptionalDouble whole = seconds(who, mode, main());
        if (whole.isEmpty()) {
          continue;
        }
        table.row(
            label(who) + " " + mode.label(),
            cell("%.3f", whole),
            begin.endToEnd()
                ? cell("%.2f", OptionalDouble.of(1 / whole.getAsDouble()))
                : cell("%.3f", seconds(who, mode, What.LONE)),
            cell("%.2f", rate(new Key(who, mode, main()), torch)));
      }
    }
    return table.toString();
  }

  private String ratios() {
    Table table =
        begin.endToEnd()
            ? new Table("times the peer's rate", "whole")
            : new Table("times the peer's rate", "many at a time", "lone, of the best split's");
    for (Mode ours : Mode.values()) {
      // End to end, what the study did in Python is what all are compared with, too.
      for (Mode theirs : begin.endToEnd() ? EnumSet.of(Mode.TORCH, ours) : EnumSet.of(ours)) {
        OptionalDouble whole =
            rate(new Key(Who.PULMO, ours, main()), new Key(Who.PEER, theirs, main()));
        if (whole.isPresent()) {
          List<String> cells = new ArrayList<>();
          cells.add("pulmo " + ours.label() + " to peer " + theirs.label());
          cells.add(cell("%.3f", whole));
          if (!begin.endToEnd()) {
            cells.add(
                cell(
                    "%.3f",
                    rate(
                        new Key(Who.PULMO, ours, What.LONE),
                        new Key(Who.PEER, theirs, What.BEST_SPLIT))));
          }
          table.row(cells.toArray(String[]::new));
        }
      }
    }
    return table.toString();
  }

  private static String cell(String format, OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, format, value.getAsDouble()) : "";
  }

  /** For programs. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("cpu", begin.cpu());
    json.put("cpu_flags", begin.cpuFlags());
    json.put("threads", begin.threads());
    json.put("bundle", begin.bundle());
    json.put("rounds", begin.rounds());
    json.putAll(seconds(Who.PULMO));
    if (begin.weights() != null) {
      json.put("weights", begin.weights());
    }
    Map<String, Object> plans = new LinkedHashMap<>();
    begin.plans().forEach((mode, plan) -> plans.put(mode.label(), plan));
    json.put("plans", plans);
    json.put("java", begin.java());
    if (begin.peer() != null) {
      // The peer's figures have the names of Pulmo's own, as in every bench.
      Map<String, Object> peer = seconds(Who.PEER);
      peer.put("tools", begin.peer());
      json.put("peer", peer);
      json.put("rate_to_peer", rates());
    }
    Map<String, Object> left = new LinkedHashMap<>();
    leftOut.forEach(one -> left.put(label(one.who()) + "_" + one.mode().label(), one.why()));
    if (!left.isEmpty()) {
      json.put("left_out", left);
    }
    Map<String, Object> means = new LinkedHashMap<>();
    for (ModesEvent.Difference d : differences) {
      means.put(
          "%s_%s_to_%s_%s"
              .formatted(label(d.who()), d.mode().label(), label(d.from()), d.fromMode().label()),
          d.mean());
    }
    json.put("mean_abs_dp", means);
    return json;
  }

  private Map<String, Object> seconds(Who who) {
    Map<String, Object> json = new LinkedHashMap<>();
    for (Mode mode : Mode.values()) {
      for (What what : What.values()) {
        String suffix = what == main() ? "_s_per_study" : "_" + what.label() + "_s_per_study";
        seconds(who, mode, what).ifPresent(value -> json.put(mode.label() + suffix, value));
      }
    }
    return json;
  }

  private Map<String, Object> rates() {
    Map<String, Object> json = new LinkedHashMap<>();
    for (Mode ours : Mode.values()) {
      rate(new Key(Who.PULMO, ours, main()), new Key(Who.PEER, ours, main()))
          .ifPresent(value -> json.put(ours.label(), value));
      rate(new Key(Who.PULMO, ours, What.LONE), new Key(Who.PEER, ours, What.BEST_SPLIT))
          .ifPresent(value -> json.put(ours.label() + "_lone_to_best_split", value));
      if (begin.endToEnd() && ours != Mode.TORCH) {
        rate(new Key(Who.PULMO, ours, main()), new Key(Who.PEER, Mode.TORCH, main()))
            .ifPresent(value -> json.put(ours.label() + "_to_torch", value));
      }
    }
    return json;
  }
}
