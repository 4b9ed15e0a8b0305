package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.pulmo.coordinator.job.Pulse.Activity;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RingWaitsTest {
  private static final long NOW = Duration.ofSeconds(100).toNanos();
  private static final View VIEW =
      new View(4, 1, List.of(seat("a"), seat("b"), seat("c")), new Label(3, 10));

  private static Seat seat(String id) {
    return new Seat(id, "worker-" + id, "127.0.0.1:1", 1, 1);
  }

  private static RingWaits.Told told(
      String member, Activity activity, String on, double seconds, long view) {
    return new RingWaits.Told(
        member, new Pulse("job", view, 12, activity, on, NOW - (long) (seconds * 1e9)));
  }

  private static Optional<String> broken(RingWaits.Told... told) {
    return RingWaits.broken("job", VIEW, List.of(told), NOW)
        .map(it -> it.waiting().memberId() + " on " + it.on().memberId());
  }

  @Test
  void allWait_namesTheLinkOfTheLongest() {
    assertEquals(
        Optional.of("b on a"),
        broken(
            told("a", Activity.RING, "c", 6.1, 4),
            told("b", Activity.RING, "a", 6.3, 4),
            told("c", Activity.RING, "b", 6.2, 4)));
  }

  @Test
  void oneComputes_isNoFault_howeverLongTheOthersWait() {
    for (Activity busy :
        List.of(Activity.COMPUTING, Activity.DATA, Activity.VALIDATING, Activity.APPLYING)) {
      assertEquals(
          Optional.empty(),
          broken(
              told("a", Activity.RING, "c", 60, 4),
              told("b", Activity.RING, "a", 60, 4),
              told("c", busy, "", 0, 4)));
    }
  }

  @Test
  void oneHasNotWaitedLong_orIsInAnotherView_orSaysNothing_isNoFault() {
    RingWaits.Told a = told("a", Activity.RING, "c", 8, 4);
    RingWaits.Told b = told("b", Activity.RING, "a", 8, 4);
    assertEquals(Optional.empty(), broken(a, b));
    assertEquals(Optional.empty(), broken(a, b, told("c", Activity.RING, "b", 5.9, 4)));
    assertEquals(Optional.empty(), broken(a, b, told("c", Activity.RING, "b", 8, 3)));
    assertEquals(Optional.empty(), broken(a, b, told("c", Activity.RING, "gone", 8, 4)));
    assertEquals(
        Optional.of("a on c"), broken(a, b, told("c", Activity.RING, "b", 6, 4)), "and with it");
  }
}
