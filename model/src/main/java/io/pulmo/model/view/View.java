package io.pulmo.model.view;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Who trains a job together from one state on, as the record in ZooKeeper has it.
 *
 * @param id increases with each view of the job, from 1
 * @param leaderEpoch of the leader that wrote it
 * @param seats by rank; each sends to the next, the last to the first
 * @param continues the state that all of them hold when they enter
 */
public record View(long id, long leaderEpoch, List<Seat> seats, Label continues) {
  /** Checks that the members are there, once each, and that somebody has a share. */
  public View {
    seats = List.copyOf(seats);
    if (id < 1) {
      throw new IllegalArgumentException("view is " + id + ": expected 1 at least");
    }
    Set<String> seen = new HashSet<>();
    for (Seat seat : seats) {
      if (!seen.add(seat.memberId())) {
        throw new IllegalArgumentException("member " + seat.memberId() + " is in the view twice");
      }
    }
    if (seats.stream().noneMatch(seat -> seat.share() > 0)) {
      throw new IllegalArgumentException("view " + id + " has nobody with a share above 0");
    }
  }

  /** The member's seat, if it has one. */
  public Optional<Seat> seat(String memberId) {
    return seats.stream().filter(seat -> seat.memberId().equals(memberId)).findFirst();
  }
}
