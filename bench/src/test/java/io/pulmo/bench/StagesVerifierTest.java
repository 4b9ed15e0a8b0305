package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StagesVerifierTest {
  private final Path directory;

  StagesVerifierTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /**
   * A job of one epoch that is submitted at 2 ms and steps from 200 to 410 ms; the last step is
   * judged from 402 to 408 ms, and the bundle made from 420 to 600 ms.
   */
  private static ClusterLines lines(long lossMillis, String stage, String state, boolean verifies) {
    return new ClusterLines(ClusterEvent.STAGES)
        .aimed(lossMillis, 1, stage, "leader")
        .job(1)
        .view(100, 1, 1, 0, 0, 1, 2)
        .steps(200, 1, 1, 2, 1, 2)
        .turn(402, 1, "validate")
        .turn(408, 1, "validated")
        .steps(409, 1, 3, 3, 1, 2)
        .turn(420, 1, "export")
        .said(600, "coordinator-1", 11, "\"kind\":\"complete\",\"epoch\":1")
        .jobEnded(900, state, "\"1\":\"d3\",\"2\":\"d3\"", verifies);
  }

  private StagesFigures figures(ClusterLines lines) throws IOException {
    return StagesVerifier.figures(lines.write(directory));
  }

  @ParameterizedTest
  @CsvSource({
    "1, submission, true",
    "3, submission, false",
    "150, training, false",
    "250, training, true",
    "450, training, false",
    "300, validation, false",
    "405, validation, true",
    "408, validation, false",
    "410, export, false",
    "500, export, true",
    "700, export, false",
  })
  void figures_ofALoss_tellWhetherTheJobWasInTheStage(long millis, String stage, boolean in)
      throws Exception {
    StagesFigures figures = figures(lines(millis, stage, "completed", true));
    assertTrue(figures.clean(), figures.text());
    assertEquals(in, figures.outcomes().getFirst().asAimed());
    assertTrue(figures.text().contains("1 of 1, " + (in ? 1 : 0) + " in it"), figures.text());
  }

  @Test
  void figures_ofAJobThatFailed_orWhoseLedgerIsWrong_areNotClean() throws Exception {
    assertFalse(figures(lines(250, "training", "failed", true)).clean());
    assertFalse(figures(lines(250, "training", "completed", false)).clean());
    assertFalse(
        figures(lines(250, "training", "completed", false)).outcomes().getFirst().endedWell());
  }

  @Test
  void figures_ofALossAfterTheEnd_areNotClean() throws Exception {
    assertFalse(figures(lines(950, "export", "completed", true)).clean());
  }

  @Test
  void figures_ofALossInAJobThatIsNotThere_areRefused() {
    ClusterLines more = lines(250, "training", "completed", true).aimed(960, 2, "export", "worker");
    CommandFailure refused = assertThrows(CommandFailure.class, () -> figures(more));
    assertTrue(refused.toString().contains("round 2 of 1 jobs"), refused.toString());
  }
}
