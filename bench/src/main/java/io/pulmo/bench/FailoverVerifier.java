package io.pulmo.bench;

import io.pulmo.bench.ClusterEvent.Action;
import io.pulmo.bench.ClusterEvent.Weather;
import io.pulmo.bench.ClusterHistory.Act;
import io.pulmo.bench.ClusterHistory.Child;
import io.pulmo.bench.ClusterHistory.Lead;
import io.pulmo.bench.ClusterHistory.SeenJob;
import io.pulmo.bench.ClusterHistory.SeenView;
import io.pulmo.bench.ClusterHistory.Span;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What computes the figures of a bench of failures, from its events alone.
 *
 * <p>A step is committed when the last member of its view has said that it applied it. A worker's
 * kill is recovered from with the first step committed in a later view without it. A leader's loss
 * is recovered from when a later one is told a committed step by its workers, or, where a worker
 * was lost with it, when a view of a later leader is entered.
 */
final class FailoverVerifier {
  private static final double MICROS_PER_SECOND = 1e6;
  private static final long QUIET_MICROS = 3_000_000;

  private final ClusterHistory history;
  private final List<Double> workerRecoveries = new ArrayList<>();
  private final List<Double> leaderRecoveries = new ArrayList<>();
  private final List<Double> evictions = new ArrayList<>();
  private final List<Double> returns = new ArrayList<>();
  private final List<String> findings = new ArrayList<>();
  private final List<long[]> calm = new ArrayList<>();
  private final List<Double> recoveriesWithLeader = new ArrayList<>();
  private final List<long[]> leaderless = new ArrayList<>();
  private int workerKills;
  private int killsWithLeader;
  private int leaderKills;
  private int leaderStops;
  private int workerStops;
  private int workerCuts;

  private FailoverVerifier(ClusterHistory history) {
    this.history = history;
  }

  /**
   * The figures of a file of events.
   *
   * @throws CommandFailure if a line is wrong, or cannot be
   */
  static FailoverFigures figures(Path events) throws IOException {
    ClusterHistory history = new ClusterHistory();
    EventsFile.read(events, ClusterEvent.class, history::take);
    try {
      return of(history);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.work(events + ": " + e.getMessage() + "; run the bench again");
    }
  }

  /** The figures of a history. */
  static FailoverFigures of(ClusterHistory history) {
    return new FailoverVerifier(history).figures();
  }

  private FailoverFigures figures() {
    ClusterEvent.Begin begin = history.begin();
    if (history.jobs().size() != 1) {
      throw new IllegalArgumentException(
          history.jobs().size() + " jobs were submitted, expected one");
    }
    SeenJob job = history.jobs().firstEntry().getValue();
    Lineage lineage = Lineage.of(job);
    long end = end();
    // Leaders first: what a worker's kill costs without one is another figure.
    for (boolean leaders : new boolean[] {true, false}) {
      for (Child child : history.children()) {
        for (Act act : child.acts()) {
          if (act.t() < end && child.isCoordinator() == leaders) {
            judge(child, act, job, end);
          }
        }
      }
    }
    long[] commits = commits(job);
    for (Span span : history.spans()) {
      if (span.weather() == Weather.NO_ZOOKEEPER) {
        calm.add(new long[] {span.from(), span.to()});
      }
    }
    double gap = 0;
    for (long[] span : calm) {
      gap = Math.max(gap, longestGap(commits, span[0], span[1]));
    }
    Lineage.Count count = lineage.count();
    Optional<SlowWorker> slow = SlowWorker.of(history, job);
    if (slow.isPresent() && slow.get().namedAfterSteps().isEmpty()) {
      findings.add("the worker at a quarter of its time was never named");
    }
    return new FailoverFigures(
        begin,
        lineage.lastStep(),
        job.views().size(),
        workerKills,
        sorted(workerRecoveries),
        killsWithLeader,
        sorted(recoveriesWithLeader),
        leaderKills,
        leaderStops,
        sorted(leaderRecoveries),
        workerStops,
        workerCuts,
        sorted(evictions),
        sorted(returns),
        calm.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(gap),
        falseEvictions(lineage, end),
        survivorsRestarted(end),
        lost(job, lineage),
        count.duplicated(),
        count.missing(),
        differing(job),
        staleOrders(job),
        loadSeconds(),
        slow,
        findings);
  }

  /** When the harness began to take the cluster down. */
  private long end() {
    OptionalLong begun = history.begun(Weather.END);
    return begun.orElse(history.lastAt() + 1);
  }

  private void judge(Child child, Act act, SeenJob job, long end) {
    if (child.isWorker()) {
      Optional<SeenView> current = current(job, act.t());
      Optional<String> member = child.member();
      if (current.isEmpty()
          || member.isEmpty()
          || !current.get().shares().containsKey(member.get())) {
        return;
      }
      switch (act.action()) {
        case KILL -> workerKilled(child, act, job, current.get(), member.get());
        case STOP -> workerGone(child, act, job, current.get(), member.get(), Action.CONT, end);
        case CUT -> workerGone(child, act, job, current.get(), member.get(), Action.MEND, end);
        case CONT, MEND, TERM, SLOW, FREE -> {}
      }
    } else if (child.isCoordinator()
        && (act.action() == Action.KILL || act.action() == Action.STOP)) {
      Optional<Lead> leader =
          history.leads().stream()
              .filter(lead -> lead.t() <= act.t())
              .max(Comparator.comparingLong(Lead::epoch));
      if (leader.isPresent() && leader.get().pid() == child.pid()) {
        leaderLost(act, job, leader.get());
      }
    }
  }

  /** The newest view that anybody had entered. */
  private static Optional<SeenView> current(SeenJob job, long t) {
    return job.views().descendingMap().values().stream()
        .filter(view -> view.firstEnteredAt() <= t)
        .findFirst();
  }

  private void workerKilled(Child child, Act act, SeenJob job, SeenView before, String member) {
    boolean led = leaderless.stream().noneMatch(span -> span[0] <= act.t() && act.t() < span[1]);
    if (led) {
      workerKills++;
    } else {
      killsWithLeader++;
    }
    long recovered = Long.MAX_VALUE;
    for (SeenView view : job.views().tailMap(before.id(), false).values()) {
      if (!view.shares().containsKey(member)) {
        for (long step : view.steps().keySet()) {
          recovered = Math.min(recovered, view.committedAt(step).orElse(Long.MAX_VALUE));
        }
      }
    }
    note(
        led ? workerRecoveries : recoveriesWithLeader,
        recovered,
        act,
        "no step was committed after the kill of " + name(child));
  }

  private void workerGone(
      Child child, Act act, SeenJob job, SeenView before, String member, Action over, long end) {
    if (act.action() == Action.STOP) {
      workerStops++;
    } else {
      workerCuts++;
    }
    long evicted = Long.MAX_VALUE;
    for (SeenView view : job.views().tailMap(before.id(), false).values()) {
      if (!view.shares().containsKey(member)) {
        evicted = Math.min(evicted, view.firstEnteredAt());
      }
    }
    note(evictions, evicted, act, name(child) + " was never left out");
    Optional<Act> back =
        child.acts().stream()
            .filter(later -> later.t() > act.t() && later.action() == over)
            .findFirst();
    if (back.isEmpty()) {
      return;
    }
    long returned = Long.MAX_VALUE;
    for (SeenView view : job.views().tailMap(before.id(), false).values()) {
      if (view.entered().containsKey(member) && view.firstEnteredAt() > back.get().t()) {
        returned = Math.min(returned, view.firstEnteredAt());
      }
    }
    if (returned != Long.MAX_VALUE || child.runs(end - 1)) {
      note(returns, returned, back.get(), name(child) + " did not come back");
    }
  }

  private void leaderLost(Act act, SeenJob job, Lead leader) {
    if (act.action() == Action.KILL) {
      leaderKills++;
    } else {
      leaderStops++;
    }
    long view =
        job.views().values().stream()
            .filter(later -> later.leaderEpoch() > leader.epoch())
            .mapToLong(SeenView::firstEnteredAt)
            .filter(t -> t > act.t())
            .min()
            .orElse(Long.MAX_VALUE);
    long told =
        history.offices().stream()
            .filter(
                office ->
                    office.t() > act.t()
                        && office.epoch() > leader.epoch()
                        && office.kind().equals("commit"))
            .mapToLong(ClusterHistory.Office::t)
            .min()
            .orElse(Long.MAX_VALUE);
    long either = Math.min(view, told);
    leaderless.add(new long[] {act.t(), either});
    boolean workerLostToo = workerTouched(act.t(), either);
    note(
        leaderRecoveries,
        workerLostToo ? view : either,
        act,
        "nobody led after the loss of the leader of epoch " + leader.epoch());
    if (either != Long.MAX_VALUE && !workerTouched(act.t() - QUIET_MICROS, either)) {
      calm.add(new long[] {act.t(), either});
    }
  }

  private boolean workerTouched(long from, long to) {
    return history.children().stream()
        .filter(Child::isWorker)
        .flatMap(child -> child.acts().stream())
        .anyMatch(act -> act.t() >= from && act.t() <= to);
  }

  private void note(List<Double> into, long at, Act since, String otherwise) {
    if (at == Long.MAX_VALUE) {
      findings.add(otherwise + seconds(since.t()));
    } else {
      into.add((at - since.t()) / MICROS_PER_SECOND);
    }
  }

  private static String seconds(long t) {
    return " (at %.1f s)".formatted(t / MICROS_PER_SECOND);
  }

  private static String name(Child child) {
    return child.name() + " with pid " + child.pid();
  }

  private static double[] sorted(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
  }

  private static long[] commits(SeenJob job) {
    return job.views().values().stream()
        .flatMapToLong(
            view ->
                view.steps().keySet().stream()
                    .map(view::committedAt)
                    .filter(OptionalLong::isPresent)
                    .mapToLong(OptionalLong::getAsLong))
        .sorted()
        .toArray();
  }

  /**
   * The longest time between two successive commits of which a part lies in a span. What follows
   * the span counts as long as no worker is touched.
   */
  private double longestGap(long[] commits, long from, long to) {
    long longest = 0;
    long last = from;
    for (long commit : commits) {
      if (commit > from) {
        long until = commit > to && workerTouched(to, commit) ? to : commit;
        longest = Math.max(longest, until - last);
      }
      last = commit;
      if (commit > to) {
        return longest / MICROS_PER_SECOND;
      }
    }
    return Math.max(longest, to - Math.max(from, last)) / MICROS_PER_SECOND;
  }

  private int falseEvictions(Lineage lineage, long end) {
    int evicted = 0;
    List<Lineage.Stretch> stretches = lineage.stretches();
    for (int i = 1; i < stretches.size(); i++) {
      SeenView before = stretches.get(i - 1).view();
      SeenView after = stretches.get(i).view();
      for (String member : before.shares().keySet()) {
        Optional<Child> child = history.childOf(member);
        if (!after.shares().containsKey(member)
            && after.firstEnteredAt() < end
            && child.isPresent()
            && !child.get().isTouched(before.firstEnteredAt(), after.firstEnteredAt())) {
          evicted++;
          findings.add(
              "view %d left out %s, to which nothing had been done%s"
                  .formatted(after.id(), name(child.get()), seconds(after.firstEnteredAt())));
        }
      }
    }
    return evicted;
  }

  private int survivorsRestarted(long end) {
    int restarted = 0;
    for (Child child : history.children()) {
      boolean another = history.changed().contains(child);
      if (child.isWorker() && (another || child.endedByItself(end))) {
        restarted++;
        findings.add(name(child) + (another ? " became another" : " ended by itself"));
      }
    }
    return restarted;
  }

  private long lost(SeenJob job, Lineage lineage) {
    long lost = 0;
    for (SeenView view : job.views().values()) {
      long first = 0;
      long off = 0;
      for (long step : view.steps().keySet()) {
        if (view.committedAt(step).isPresent() && !lineage.has(view, step)) {
          first = off == 0 ? step : first;
          off++;
        }
      }
      if (off > 0 && somebodyAnswered(view, lineage)) {
        lost += off;
        findings.add(
            "%d committed steps of view %d from step %d on are not in the surviving weights"
                .formatted(off, view.id(), first));
      }
    }
    return lost;
  }

  /** Whether a member of a view lived, and was not out of reach for the patience, at the next. */
  private boolean somebodyAnswered(SeenView view, Lineage lineage) {
    Optional<SeenView> next = lineage.viewAfter(view.id());
    if (next.isEmpty()) {
      return true;
    }
    long t = next.get().firstEnteredAt();
    long patience = history.begin().patienceMillis() * 1_000;
    return view.shares().keySet().stream()
        .map(history::childOf)
        .flatMap(Optional::stream)
        .anyMatch(
            child -> child.runs(t) && t - child.troubledSince(t).orElse(t) < Math.max(1, patience));
  }

  private int differing(SeenJob job) {
    int differing = 0;
    for (Map.Entry<ClusterHistory.LabelSeen, Map<String, String>> label :
        job.digests().entrySet()) {
      if (label.getValue().values().stream().distinct().count() > 1) {
        differing++;
        findings.add("members differ at " + label.getKey() + ": " + label.getValue());
      }
    }
    return differing;
  }

  /** Views that were entered although one of a later leader had been entered. */
  private static int staleOrders(SeenJob job) {
    int stale = 0;
    long highest = 0;
    for (SeenView view : job.views().values()) {
      if (view.leaderEpoch() < highest) {
        stale++;
      }
      highest = Math.max(highest, view.leaderEpoch());
    }
    return stale;
  }

  private double loadSeconds() {
    return history.spans().stream()
        .filter(span -> span.weather() == Weather.LOAD)
        .mapToDouble(span -> (span.to() - span.from()) / MICROS_PER_SECOND)
        .sum();
  }

  /** The value that so large a part of the sorted ones does not exceed. */
  static OptionalDouble quantile(double[] sorted, double part) {
    return sorted.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(sorted[Math.max(0, (int) Math.ceil(part * sorted.length) - 1)]);
  }

  /** The largest. */
  static OptionalDouble most(double[] values) {
    return Arrays.stream(values).max();
  }
}
