package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class JobStateTest {
  @Test
  void transitions_areThoseOfTheTableAndNoOthers() {
    List<String> legal = new ArrayList<>();
    for (JobState from : JobState.values()) {
      for (JobState to : JobState.values()) {
        if (from.mayBecome(to)) {
          legal.add(from + " " + to);
        }
      }
    }
    assertEquals(
        List.of(
            "QUEUED RUNNING",
            "QUEUED FAILED",
            "QUEUED CANCELLED",
            "RUNNING COMPLETED",
            "RUNNING FAILED",
            "RUNNING CANCELLED"),
        legal);
  }

  @Test
  void ended_isWhatNothingFollows() {
    for (JobState state : JobState.values()) {
      assertEquals(state != JobState.QUEUED && state != JobState.RUNNING, state.ended());
    }
  }
}
