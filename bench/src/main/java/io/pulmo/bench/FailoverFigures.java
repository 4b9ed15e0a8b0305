package io.pulmo.bench;

import io.pulmo.cli.terminal.Table;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The figures of a bench of failures. Arrays are seconds, sorted.
 *
 * @param begin under what it ran
 * @param steps of the surviving lineage
 * @param views that were entered
 * @param workerKills of members of the newest view, while somebody led
 * @param workerRecoveries from a kill to the next step committed without the killed
 * @param killsWithLeader of members of the newest view, while nobody led
 * @param recoveriesWithLeader as workerRecoveries, of these
 * @param leaderKills of those that led
 * @param leaderStops of those that led
 * @param leaderRecoveries from a leader's loss to a leader that can change views
 * @param workerStops of members of the newest view
 * @param workerCuts of members of the newest view
 * @param evictions from a stop or cut to a view without that member
 * @param returns from its end to a view with it
 * @param longestGap between commits while only leaders or ZooKeeper were gone
 * @param falseEvictions members left out to which nothing had been done
 * @param survivorsRestarted workers that ended or became another member by themselves
 * @param stepsLost committed, not in the surviving weights, although somebody could have told
 * @param stepsDoubled samples counted again within an epoch of the lineage
 * @param samplesMissing samples of the lineage's epochs that nobody computed
 * @param digestsDiffering states of one label with several digests
 * @param staleOrders views of a superseded leader that were entered
 * @param loadSeconds under full CPU load
 * @param slow what came of a worker at a quarter of its time, if one was
 * @param findings what is wrong, in words
 */
record FailoverFigures(
    ClusterEvent.Begin begin,
    long steps,
    int views,
    int workerKills,
    double[] workerRecoveries,
    int killsWithLeader,
    double[] recoveriesWithLeader,
    int leaderKills,
    int leaderStops,
    double[] leaderRecoveries,
    int workerStops,
    int workerCuts,
    double[] evictions,
    double[] returns,
    OptionalDouble longestGap,
    int falseEvictions,
    int survivorsRestarted,
    long stepsLost,
    long stepsDoubled,
    long samplesMissing,
    int digestsDiffering,
    int staleOrders,
    double loadSeconds,
    Optional<SlowWorker> slow,
    List<String> findings)
    implements ClusterFigures {
  private static final int MOST_FINDINGS = 20;

  /** Whether nothing was lost, doubled, left out or restarted, and everything recovered. */
  @Override
  public boolean clean() {
    return findings.isEmpty()
        && stepsLost == 0
        && stepsDoubled == 0
        && samplesMissing == 0
        && falseEvictions == 0
        && survivorsRestarted == 0
        && digestsDiffering == 0
        && staleOrders == 0;
  }

  /** For people. */
  @Override
  public String text() {
    Table table = new Table("what was done", "times", "p50 s", "p99 s", "most s");
    row(table, "worker killed: next committed step", workerKills, workerRecoveries);
    row(table, "the same while nobody led", killsWithLeader, recoveriesWithLeader);
    row(table, "leader killed or stopped: led again", leaderKills + leaderStops, leaderRecoveries);
    row(table, "worker stopped or cut off: left out", workerStops + workerCuts, evictions);
    row(table, "it goes on: a member again", workerStops + workerCuts, returns);
    StringBuilder text = new StringBuilder();
    text.append(
        "seed %d, %s, %d workers, %d coordinators, %d ZooKeeper servers, %d cores, Java %s%n"
            .formatted(
                begin.seed(),
                begin.preset(),
                begin.workers(),
                begin.coordinators(),
                begin.zookeepers(),
                begin.cores(),
                begin.java()));
    text.append(table);
    text.append("%d steps in %d views%n".formatted(steps, views));
    text.append(
        "longest time between steps without a leader or ZooKeeper: %s s%n"
            .formatted(cell(longestGap)));
    text.append(
        String.format(
            Locale.ROOT,
            "false evictions: %d, of which %.0f s under full load; survivors restarted: %d%n",
            falseEvictions,
            loadSeconds,
            survivorsRestarted));
    text.append(
        "steps lost: %d; samples doubled: %d, missing: %d; states that differ: %d; stale orders: %d%n"
            .formatted(stepsLost, stepsDoubled, samplesMissing, digestsDiffering, staleOrders));
    slow.ifPresent(it -> text.append(it.text()));
    findings.stream()
        .limit(MOST_FINDINGS)
        .forEach(finding -> text.append("! ").append(finding).append('\n'));
    if (findings.size() > MOST_FINDINGS) {
      text.append("! and %d more%n".formatted(findings.size() - MOST_FINDINGS));
    }
    return text.toString();
  }

  private static void row(Table table, String what, int times, double[] seconds) {
    table.row(
        what,
        Integer.toString(times),
        cell(FailoverVerifier.quantile(seconds, 0.5)),
        cell(FailoverVerifier.quantile(seconds, 0.99)),
        cell(FailoverVerifier.most(seconds)));
  }

  private static String cell(OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, "%.2f", value.getAsDouble()) : "-";
  }

  /** For programs. */
  @Override
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("seed", begin.seed());
    json.put("preset", begin.preset());
    json.put("steps", steps);
    json.put("views", views);
    json.put("worker_kills", workerKills);
    json.put("worker_recovery_s", spread(workerRecoveries, "p50", 0.5, "p99", 0.99));
    json.put("worker_kills_without_leader", killsWithLeader);
    json.put(
        "worker_recovery_without_leader_s", spread(recoveriesWithLeader, "p50", 0.5, "max", 1));
    json.put("leader_kills", leaderKills);
    json.put("leader_stops", leaderStops);
    json.put("leader_recovery_s", spread(leaderRecoveries, "p50", 0.5, "max", 1));
    json.put("worker_stops", workerStops);
    json.put("worker_cuts", workerCuts);
    put(json, "stop_evicted_s", FailoverVerifier.most(evictions));
    put(json, "stop_returned_s", FailoverVerifier.most(returns));
    put(json, "longest_gap_s", longestGap);
    json.put("load_s", loadSeconds);
    json.put("false_evictions", falseEvictions);
    json.put("survivors_restarted", survivorsRestarted);
    json.put("steps_lost", stepsLost);
    json.put("steps_doubled", stepsDoubled);
    json.put("samples_missing", samplesMissing);
    json.put("digests_differing", digestsDiffering);
    json.put("stale_orders", staleOrders);
    slow.ifPresent(it -> json.put("slow_worker", it.json()));
    json.put("findings", findings);
    return json;
  }

  private static Map<String, Object> spread(
      double[] seconds, String one, double part, String other, double otherPart) {
    Map<String, Object> json = new LinkedHashMap<>();
    put(json, one, FailoverVerifier.quantile(seconds, part));
    put(json, other, FailoverVerifier.quantile(seconds, otherPart));
    return json;
  }

  private static void put(Map<String, Object> json, String key, OptionalDouble value) {
    if (value.isPresent()) {
      json.put(key, value.getAsDouble());
    }
  }
}
