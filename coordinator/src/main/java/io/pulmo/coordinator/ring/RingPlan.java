package io.pulmo.coordinator.ring;

import io.pulmo.model.view.Applicant;
import io.pulmo.model.view.Seat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/** Who sits where in a job's ring: a pure function. */
public final class RingPlan {
  private RingPlan() {}

  /**
   * Plans a ring. Members of one machine sit side by side, so that each machine has one link in and
   * one out; they divide its cores.
   *
   * @param applicants in the order of their ranks before, new ones last
   * @param shares a member's part of each global batch, by its id
   */
  public static List<Seat> of(List<Applicant> applicants, ToIntFunction<String> shares) {
    Map<String, List<Applicant>> byHost = new LinkedHashMap<>();
    for (Applicant applicant : applicants) {
      byHost.computeIfAbsent(applicant.hostId(), host -> new ArrayList<>()).add(applicant);
    }
    List<Seat> seats = new ArrayList<>();
    for (List<Applicant> neighbours : byHost.values()) {
      for (Applicant one : neighbours) {
        int threads = Math.max(1, one.cores() / neighbours.size());
        seats.add(one.seat(shares.applyAsInt(one.memberId()), threads));
      }
    }
    return seats;
  }
}
