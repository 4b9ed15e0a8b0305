package io.pulmo.model.view;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CheckpointPruningTest {
  private static List<Integer> superfluous(int written, Set<Integer> published, int newest) {
    return CheckpointPruning.superfluous(
        IntStream.rangeClosed(1, written).boxed().toList(), published::contains, newest);
  }

  @Test
  void superfluous_olderThanThePublished_go() {
    assertEquals(List.of(1, 2, 4), superfluous(7, Set.of(3, 5), 2));
  }

  @Test
  void superfluous_whileTheLeaderIsAway_areTheMiddleOnes() {
    assertEquals(
        IntStream.rangeClosed(7, 18).boxed().toList(),
        superfluous(20, Set.of(2), 2).subList(1, 13));
    assertEquals(List.of(1), superfluous(20, Set.of(2), 2).subList(0, 1));
  }

  @Test
  void superfluous_beforeAnythingIsPublished_areAllButTheFirstAndTheNewest() {
    assertEquals(List.of(5, 6), superfluous(8, Set.of(), 2));
    assertEquals(List.of(), superfluous(3, Set.of(), 1));
  }
}
