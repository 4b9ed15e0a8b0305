package io.pulmo.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.pulmo.cli.rpc.JobView;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JobProgressTest {
  private static JobView job(String slow) {
    return new JobView(
        "j-1",
        "one",
        "running",
        false,
        "",
        4,
        8,
        0.25,
        17.5,
        0,
        List.of(new JobView.Epoch(0, 0.8125, 0.5, true)),
        List.of(
            new JobView.Member("a", 0, 4, 4, 32, "", 3, 8.5, ""),
            new JobView.Member("b", 1, 4, 4, 32, "", 1, 2.5, slow)),
        new JobView.View(2, 7, "b joins", 3, List.of()),
        Optional.empty());
  }

  @Test
  void view_namesMembersSharesAndCause() {
    assertEquals(
        "view 2 at step 3, because b joins: a (share 3), b (share 1)", JobProgress.view(job("")));
  }

  @Test
  void note_hasLossAucSpeedAndWorkers() {
    assertEquals("loss 0.250, AUC 0.813, 17.5 images/s, 2 workers", JobProgress.note(job("")));
  }

  @Test
  void slow_isNamedWithItsCause_andNothingWhileNobodyIs() {
    assertEquals("", JobProgress.slow(job("")));
    assertEquals("b is slow: compute", JobProgress.slow(job("compute")));
  }
}
