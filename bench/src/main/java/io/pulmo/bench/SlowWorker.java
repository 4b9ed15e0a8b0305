package io.pulmo.bench;

import io.pulmo.bench.ClusterEvent.Action;
import io.pulmo.bench.ClusterEvent.Weather;
import io.pulmo.bench.ClusterHistory.Act;
import io.pulmo.bench.ClusterHistory.Child;
import io.pulmo.bench.ClusterHistory.Part;
import io.pulmo.bench.ClusterHistory.SeenJob;
import io.pulmo.bench.ClusterHistory.SeenView;
import io.pulmo.bench.ClusterHistory.Span;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What came of a worker that got a quarter of its time. Rates are samples a second of committed
 * steps; those while it was slow are of the last third of that time, when shares have followed.
 *
 * @param namedAfterSteps steps committed until the leader named it, if it did
 * @param cause as the leader said it
 * @param shareBefore of the slowed worker, between 0 and 1
 * @param shareAfter the same at the end
 * @param rateBefore in as long a time before
 * @param rate of all members together
 * @param ableTo the sum over the members of what each can do by itself: its samples by the time of
 *     its steps without the ring
 */
record SlowWorker(
    OptionalLong namedAfterSteps,
    String cause,
    double shareBefore,
    double shareAfter,
    double rateBefore,
    double rate,
    double ableTo) {
  private static final double MICROS_PER_SECOND = 1e6;
  private static final double MILLIS_PER_SECOND = 1e3;

  /** What a history tells of it, where it has such a time. */
  static Optional<SlowWorker> of(ClusterHistory history, SeenJob job) {
    Optional<Span> span =
        history.spans().stream().filter(one -> one.weather() == Weather.SLOW_WORKER).findFirst();
    if (span.isEmpty()) {
      return Optional.empty();
    }
    for (Child child : history.children()) {
      Optional<Act> slowed =
          child.acts().stream().filter(act -> act.action() == Action.SLOW).findFirst();
      if (slowed.isPresent() && child.member().isPresent()) {
        return Optional.of(of(history, job, child.member().get(), slowed.get().t(), span.get()));
      }
    }
    throw new IllegalArgumentException("a time with a slow worker, and no worker that was slowed");
  }

  private static SlowWorker of(
      ClusterHistory history, SeenJob job, String member, long from, Span span) {
    Optional<ClusterHistory.Office> named =
        history.offices().stream()
            .filter(
                office ->
                    office.kind().equals("slow")
                        && office.member().equals(member)
                        && !office.cause().isEmpty()
                        && office.t() >= from
                        && office.t() <= span.to())
            .findFirst();
    long settled = span.to() - (span.to() - from) / 3;
    Committed slow = Committed.of(job, settled, span.to());
    return new SlowWorker(
        named.isEmpty()
            ? OptionalLong.empty()
            : OptionalLong.of(Committed.of(job, from, named.get().t()).steps),
        named.map(ClusterHistory.Office::cause).orElse(""),
        share(job, member, from),
        share(job, member, span.to()),
        Committed.of(job, from - (span.to() - settled), from).rate(),
        slow.rate(),
        slow.ableTo());
  }

  /** Of the newest view entered at an instant. */
  private static double share(SeenJob job, String member, long t) {
    SeenView view =
        job.views().descendingMap().values().stream()
            .filter(one -> one.firstEnteredAt() <= t)
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("no view was entered by then"));
    double all = view.shares().values().stream().mapToInt(Integer::intValue).sum();
    return view.shares().getOrDefault(member, 0) / all;
  }

  /** How much of what the members are able to do is done. */
  double ofAbleTo() {
    return rate / ableTo;
  }

  /** For people. */
  String text() {
    return String.format(
        Locale.ROOT,
        "a worker at a quarter of its time: %s; its share %.2f, then %.2f%n"
            + "  %.1f samples/s before, then %.1f, which is %.2f of what the members can do%n",
        namedAfterSteps.isPresent()
            ? "named after " + namedAfterSteps.getAsLong() + " steps (" + cause + ")"
            : "never named",
        shareBefore,
        shareAfter,
        rateBefore,
        rate,
        ofAbleTo());
  }

  /** For programs. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    namedAfterSteps.ifPresent(steps -> json.put("named_after_steps", steps));
    json.put("cause", cause);
    json.put("share_before", shareBefore);
    json.put("share", shareAfter);
    json.put("samples_per_s_before", rateBefore);
    json.put("samples_per_s", rate);
    json.put("of_able_to", ofAbleTo());
    return json;
  }

  /** The steps committed in a time. */
  private static final class Committed {
    private final Map<String, double[]> samplesAndMillis = new HashMap<>();
    private long steps;
    private long samples;
    private long first = Long.MAX_VALUE;
    private long last;
    private long samplesOfFirst;

    static Committed of(SeenJob job, long from, long to) {
      Committed committed = new Committed();
      for (SeenView view : job.views().values()) {
        for (Map.Entry<Long, Map<String, Part>> step : view.steps().entrySet()) {
          OptionalLong t = view.committedAt(step.getKey());
          if (t.isPresent() && t.getAsLong() >= from && t.getAsLong() <= to) {
            committed.add(t.getAsLong(), step.getValue());
          }
        }
      }
      return committed;
    }

    private void add(long t, Map<String, Part> parts) {
      long summed = List.copyOf(parts.values()).getFirst().summed();
      steps++;
      samples += summed;
      if (t < first) {
        first = t;
        samplesOfFirst = summed;
      }
      last = Math.max(last, t);
      parts.forEach(
          (member, part) -> {
            double[] sums = samplesAndMillis.computeIfAbsent(member, id -> new double[2]);
            sums[0] += part.to() - part.from();
            sums[1] += part.ownMillis();
          });
    }

    /** Samples a second from the first commit to the last. */
    double rate() {
      if (last <= first) {
        throw new IllegalArgumentException("fewer than two steps where a rate is asked for");
      }
      return (samples - samplesOfFirst) / ((last - first) / MICROS_PER_SECOND);
    }

    double ableTo() {
      return samplesAndMillis.values().stream()
          .filter(sums -> sums[1] > 0)
          .mapToDouble(sums -> MILLIS_PER_SECOND * sums[0] / sums[1])
          .sum();
    }
  }
}
