package io.pulmo.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The figures of a bench of the ledger.
 *
 * @param begin under what it ran
 * @param seeds jobs, each with faults of its own seed
 * @param kills of any process while a job trained
 * @param pauses of any process while a job trained
 * @param joins members that entered a job under way, replacements among them
 * @param fewest disruptions of a job
 * @param samples of all epochs of all jobs
 * @param missing samples that nobody computed
 * @param duplicated further times that a sample was computed
 * @param findings what is wrong, in words
 */
record LedgerFigures(
    ClusterEvent.Begin begin,
    int seeds,
    int kills,
    int pauses,
    int joins,
    int fewest,
    long samples,
    long missing,
    long duplicated,
    List<String> findings)
    implements ClusterFigures {
  private static final int MOST_FINDINGS = 20;

  /** Whether each sample counts once in each job, and its ledger says so. */
  @Override
  public boolean clean() {
    return missing == 0 && duplicated == 0 && findings.isEmpty();
  }

  /** For people. */
  @Override
  public String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        seeds from %d on: %d jobs, %s, %d workers, %d coordinators, %d ZooKeeper servers
        %d kills, %d pauses, %d joins; %d or more disruptions a job
        %d samples of all epochs: %d missing, %d duplicated
        """
            .formatted(
                begin.seed(),
                seeds,
                begin.preset(),
                begin.workers(),
                begin.coordinators(),
                begin.zookeepers(),
                kills,
                pauses,
                joins,
                fewest,
                samples,
                missing,
                duplicated));
    findings.stream()
        .limit(MOST_FINDINGS)
        .forEach(finding -> text.append("! ").append(finding).append('\n'));
    return text.toString();
  }

  /** For programs. */
  @Override
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("seeds", seeds);
    json.put("first_seed", begin.seed());
    json.put("preset", begin.preset());
    json.put("kills", kills);
    json.put("pauses", pauses);
    json.put("joins", joins);
    json.put("fewest_disruptions", fewest);
    json.put("samples", samples);
    json.put("missing", missing);
    json.put("duplicated", duplicated);
    json.put("findings", findings);
    return json;
  }
}
