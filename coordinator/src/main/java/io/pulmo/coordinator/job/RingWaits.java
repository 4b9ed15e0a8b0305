package io.pulmo.coordinator.job;

import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Who waits for whom in a view's ring.
 *
 * <p>A member that waits for another that computes, reads images or validates is as it should be,
 * however long it takes: the other is slow, not gone. Only when everyone waits does nobody compute.
 * Then a link is broken that both ends' control streams know nothing of, and whoever has waited
 * longest sits at it: the others went on until they lacked what should have come from there.
 */
final class RingWaits {
  /**
   * Longer than a step's pieces, or a connection's first, can be on their way between members that
   * are all in the ring, on machines that have far too much to do.
   */
  static final Duration LONG = Duration.ofSeconds(6);

  private RingWaits() {}

  /**
   * A link over which nothing comes.
   *
   * @param waiting the member that has waited longest
   * @param on the neighbour that it waits for
   * @param millis how long
   */
  record Broken(Seat waiting, Seat on, long millis) {}

  /**
   * The broken link, if all of a view's members wait in its ring and have waited long.
   *
   * @param pulses the members' newest, in any order
   * @param nowNanos by the clock of the pulses
   */
  static Optional<Broken> broken(String jobId, View view, List<Told> pulses, long nowNanos) {
    Optional<Broken> longest = Optional.empty();
    for (Seat seat : view.seats()) {
      Optional<Pulse> told =
          pulses.stream()
              .filter(one -> one.memberId().equals(seat.memberId()))
              .map(Told::pulse)
              .findFirst();
      if (told.isEmpty()) {
        return Optional.empty();
      }
      Pulse pulse = told.get();
      Optional<Seat> on = view.seat(pulse.waitingOn());
      long nanos = nowNanos - pulse.waitingSinceNanos();
      if (pulse.activity() != Pulse.Activity.RING
          || !pulse.jobId().equals(jobId)
          || pulse.view() != view.id()
          || on.isEmpty()
          || nanos < LONG.toNanos()) {
        return Optional.empty();
      }
      long millis = nanos / 1_000_000;
      if (longest.isEmpty() || longest.get().millis() < millis) {
        longest = Optional.of(new Broken(seat, on.get(), millis));
      }
    }
    return longest;
  }

  /**
   * What a member's heartbeat said.
   *
   * @param memberId whose
   * @param pulse the newest
   */
  record Told(String memberId, Pulse pulse) {}
}
