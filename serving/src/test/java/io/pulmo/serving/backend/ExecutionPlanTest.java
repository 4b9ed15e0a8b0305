package io.pulmo.serving.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExecutionPlanTest {
  @ParameterizedTest
  @CsvSource({
    "1, 1, 10",
    "2, 2, 5",
    "3, 3, 2",
    "4, 4, 1",
    "5, 5, 2",
    "8, 8, 2",
    "11, 10, 1",
    "16, 8, 2",
    "64, 10, 1",
  })
  void untuned_threads_givesALoneStudyAllStreamsEvenly(int threads, int streams, int crops) {
    ExecutionPlan plan = ExecutionPlan.untuned(threads);
    assertEquals(streams, plan.streams());
    assertEquals(crops, plan.cropsPerRequest());
  }

  @Test
  void untuned_anyMachine_leavesFewThreadsIdle() {
    for (int threads = 1; threads <= 512; threads++) {
      ExecutionPlan plan = ExecutionPlan.untuned(threads);
      int used = threads / plan.streams() * plan.streams();
      assertTrue(used >= 0.9 * threads, threads + " threads: " + plan);
      assertTrue(plan.requests() >= plan.streams());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "3, 1, 1, cropsPerRequest is 3",
    "0, 1, 1, cropsPerRequest is 0",
    "5, 0, 1, streams is 0",
    "5, 257, 300, streams is 257",
    "5, 2, 1, requests is 1",
    "5, 2, 1025, requests is 1025",
  })
  void plan_outOfRange_isRefusedByName(int crops, int streams, int requests, String message) {
    IllegalArgumentException thrown =
        assertThrows(
            IllegalArgumentException.class,
            () -> new ExecutionPlan(crops, streams, requests, false));
    assertTrue(String.valueOf(thrown.getMessage()).startsWith(message), thrown.getMessage());
  }

  @Test
  void studiesInFlight_coverTheRequests() {
    assertEquals(2, new ExecutionPlan(5, 2, 4, false).studiesInFlight());
    assertEquals(4, new ExecutionPlan(10, 2, 4, false).studiesInFlight());
    assertEquals(2, new ExecutionPlan(1, 2, 2, false).studiesInFlight());
    assertEquals(3, new ExecutionPlan(2, 8, 15, false).studiesInFlight());
  }
}
