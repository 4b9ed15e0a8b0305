package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerVerifierTest {
  private static final String EQUAL = "\"1\":\"d6\",\"3\":\"d6\"";

  private final Path directory;

  LedgerVerifierTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** Two epochs of three steps, with a member killed and replaced after the fourth step. */
  private static ClusterLines disrupted() {
    return new ClusterLines(ClusterEvent.LEDGER)
        .job(2)
        .view(100, 1, 1, 0, 0, 1, 2)
        .steps(200, 1, 1, 4, 1, 2)
        .did(1000, "kill", "worker-2", 2)
        .ended(1001, "worker-2", 2)
        .view(1500, 1, 2, 1, 4, 1, 3);
  }

  private LedgerFigures figures(ClusterLines lines) throws IOException {
    return LedgerVerifier.figures(lines.write(directory));
  }

  @Test
  void figures_aJobToItsEnd_countEachSampleOnce() throws Exception {
    LedgerFigures figures =
        figures(disrupted().steps(1600, 2, 5, 6, 1, 3).jobEnded(3000, "completed", EQUAL, true));

    assertTrue(figures.clean(), figures.text());
    assertEquals(20, figures.samples());
    assertEquals(1, figures.kills());
    assertEquals(1, figures.joins());
    assertEquals(2, figures.fewest());
    assertEquals(0L, figures.json().get("duplicated"));
  }

  @Test
  void figures_aStepThatWasTakenAgain_areDuplicated() throws Exception {
    // The second view begins where the first ended but repeats the positions of its last step.
    LedgerFigures figures =
        figures(
            disrupted()
                .part(1600, 2, 5, 1, 0, 1)
                .part(1610, 2, 5, 3, 1, 3)
                .steps(1700, 2, 6, 6, 1, 3)
                .jobEnded(3000, "completed", EQUAL, true));
    assertEquals(3, figures.duplicated());
    assertEquals(3, figures.missing());
    assertFalse(figures.clean());
  }

  @Test
  void figures_aSumThatLacksAMember_areMissing() throws Exception {
    LedgerFigures figures =
        figures(
            disrupted()
                .part(1600, 2, 5, 1, 3, 4, 1)
                .part(1610, 2, 5, 3, 4, 6, 2)
                .steps(1700, 2, 6, 6, 1, 3)
                .jobEnded(3000, "completed", EQUAL, true));
    assertTrue(figures.missing() > 0, figures.text());
    assertFalse(figures.clean());
  }

  @Test
  void figures_stepsThatNobodyTook_areMissing() throws Exception {
    LedgerFigures figures =
        figures(disrupted().steps(1600, 2, 5, 5, 1, 3).jobEnded(3000, "completed", EQUAL, true));
    assertEquals(4, figures.missing());
    assertFalse(figures.clean());
  }

  @Test
  void figures_finalStatesThatDiffer_orALedgerThatFails_areTold() throws Exception {
    ClusterLines differing =
        disrupted()
            .steps(1600, 2, 5, 6, 1, 3)
            .jobEnded(3000, "completed", "\"1\":\"d6\",\"3\":\"e6\"", true);
    assertTrue(figures(differing).text().contains("2 digests, expected one"));

    ClusterLines unverified =
        disrupted().steps(1600, 2, 5, 6, 1, 3).jobEnded(3000, "completed", EQUAL, false);
    assertTrue(figures(unverified).text().contains("its ledger does not verify"));

    ClusterLines failed =
        disrupted().steps(1600, 2, 5, 6, 1, 3).jobEnded(3000, "failed", EQUAL, true);
    assertTrue(figures(failed).text().contains("ended as failed"));

    assertTrue(figures(disrupted()).text().contains("has not ended"));
  }
}
