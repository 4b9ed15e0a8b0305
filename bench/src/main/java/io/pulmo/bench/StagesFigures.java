package io.pulmo.bench;

import io.pulmo.bench.ClusterEvent.Loss;
import io.pulmo.bench.ClusterEvent.Stage;
import io.pulmo.cli.terminal.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The figures of a bench of a job's stages.
 *
 * @param outcomes loss by loss
 * @param ledger of all jobs together
 */
record StagesFigures(List<Outcome> outcomes, LedgerFigures ledger) implements ClusterFigures {
  /**
   * What came of a loss.
   *
   * @param stage at which it was aimed
   * @param loss of what
   * @param asAimed whether the job was in that stage when it came
   * @param endedWell whether the job was completed, with a ledger that verifies
   */
  record Outcome(Stage stage, Loss loss, boolean asAimed, boolean endedWell) {}

  /** Copies the list. */
  StagesFigures {
    outcomes = List.copyOf(outcomes);
  }

  /** Whether every job ended well and counts each sample once. */
  @Override
  public boolean clean() {
    return !outcomes.isEmpty()
        && outcomes.stream().allMatch(Outcome::endedWell)
        && ledger.clean()
        && ledger.seeds() == outcomes.size();
  }

  private String cell(Stage stage, Loss loss) {
    List<Outcome> here =
        outcomes.stream().filter(one -> one.stage == stage && one.loss == loss).toList();
    long aimed = here.stream().filter(Outcome::asAimed).count();
    long well = here.stream().filter(Outcome::endedWell).count();
    return here.isEmpty() ? "-" : "%d of %d, %d in it".formatted(well, here.size(), aimed);
  }

  /** For people. */
  @Override
  public String text() {
    List<String> heads = new ArrayList<>(List.of("jobs that ended well"));
    for (Loss loss : Loss.values()) {
      heads.add(StagesBench.name(loss) + " lost");
    }
    Table table = new Table(heads.toArray(String[]::new));
    for (Stage stage : Stage.values()) {
      List<String> row = new ArrayList<>(List.of("in " + StagesBench.name(stage)));
      for (Loss loss : Loss.values()) {
        row.add(cell(stage, loss));
      }
      table.row(row.toArray(String[]::new));
    }
    return table + ledger.text();
  }

  /** For programs. */
  @Override
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    List<Map<String, Object>> all = new ArrayList<>();
    for (Outcome outcome : outcomes) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("stage", StagesBench.name(outcome.stage));
      one.put("loss", StagesBench.name(outcome.loss));
      one.put("as_aimed", outcome.asAimed);
      one.put("ended_well", outcome.endedWell);
      all.add(one);
    }
    json.put("losses", outcomes.size());
    json.put("ended_well", outcomes.stream().filter(Outcome::endedWell).count());
    json.put("as_aimed", outcomes.stream().filter(Outcome::asAimed).count());
    json.put("outcomes", all);
    json.put("ledger", ledger.json());
    return json;
  }
}
