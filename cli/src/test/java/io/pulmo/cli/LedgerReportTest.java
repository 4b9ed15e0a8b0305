package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.rpc.LedgerView;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.Ledger.Part;
import io.pulmo.model.ledger.LedgerFile;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.view.ViewJournal.Restore;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LedgerReportTest {
  private static final Part A = new Part("a", "host:1 (7)", 3);
  private static final Part B = new Part("b", "host:2 (8)", 1);

  /** Two views of three steps an epoch, the second after a restore. */
  private static LedgerFile file(long steps) {
    Ledger ledger =
        Ledger.start(new Sampler(10, 4, 1))
            .enter(1, 1, 0, List.of(A, B), List.of())
            .enter(3, 2, 4, List.of(B), List.of(new Restore(3, 4, 6)));
    return new LedgerFile(ledger, steps);
  }

  private static LedgerReport report(Optional<LedgerFile> state, Optional<LedgerFile> leader) {
    return LedgerReport.of(new LedgerView(state, "", leader, "")).orElseThrow();
  }

  @Test
  void text_ofBoth_showsWhoComputedWhatAndTheVerdict() {
    LedgerReport report = report(Optional.of(file(7)), Optional.of(file(7)));
    assertEquals(
        """
        view  leader epoch  steps      worker  share  samples                  by epoch
        1                1    0-3  host:1 (7)      3        9  1: 7 in 0-8, 2: 2 in 0-1
        1                1    0-3  host:2 (8)      1        4  1: 3 in 2-9, 2: 1 in 2-2
        3                2    4-6  host:2 (8)      1       10  2: 7 in 3-9, 3: 3 in 0-2
        view 3 went back from step 6 to the checkpoint of step 4: at least 2 steps were given up and taken again
        the final state's ledger verifies: 7 steps, 2 whole epochs of 10 samples each once, and 1 steps of the next; at least 2 steps were given up
        """,
        report.text());
    Map<String, ?> json = report.json();
    assertEquals(true, json.get("verifies"));
    assertEquals(2, json.get("views") instanceof List<?> views ? views.size() : -1);
  }

  @Test
  void of_ledgersThatDifferOrDoNotVerify_saysSo() {
    LedgerFile other =
        new LedgerFile(
            Ledger.start(new Sampler(10, 4, 1)).enter(1, 1, 0, List.of(A), List.of()), 7);
    LedgerReport differs = report(Optional.of(file(7)), Optional.of(other));
    assertTrue(differs.text().contains("does not verify: the state's ledger has view 1"));
    LedgerReport cut = report(Optional.empty(), Optional.of(file(3)));
    assertTrue(
        cut.text()
            .contains(
                "the leader's record of views does not verify: view 3 begins at step 4, but only 3"),
        cut::text);
    assertEquals(false, cut.json().get("verifies"));
    assertEquals(
        Optional.empty(),
        LedgerReport.of(new LedgerView(Optional.empty(), "", Optional.empty(), "")));
  }
}
