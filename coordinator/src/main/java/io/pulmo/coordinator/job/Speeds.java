package io.pulmo.coordinator.job;

import io.pulmo.coordinator.ring.RingPlan;
import io.pulmo.coordinator.ring.Shares;
import io.pulmo.model.view.Applicant;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewLeader;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How fast a job's members are, and the shares that follow for each view. */
final class Speeds implements ViewLeader.Planner {
  private final Shares shares;
  private Map<String, Integer> current = Map.of();
  private Map<String, Integer> proposed = Map.of();

  /**
   * Knows nobody yet.
   *
   * @param batch the job's samples a step, over all members
   */
  Speeds(int batch) {
    shares = new Shares(batch);
  }

  void report(String memberId, WorkerReport.Pace pace) {
    shares.report(
        memberId,
        new Shares.Timing(
            pace.computeMillis(), pace.dataMillis(), pace.ringMillis(), pace.samplesAStep()));
  }

  void forget(String memberId) {
    shares.forget(memberId);
  }

  /** Who is slow, and why in words. */
  Map<String, String> slow() {
    return shares.slow();
  }

  /** Whether other shares would be worth a view, while that one turns. */
  boolean wantsOthers(View view) {
    current = sharesOf(view);
    Optional<Map<String, Integer>> better =
        shares.better(view.seats().stream().map(Seat::memberId).toList(), current);
    better.ifPresent(it -> proposed = it);
    return better.isPresent();
  }

  private static Map<String, Integer> sharesOf(View view) {
    Map<String, Integer> shares = new LinkedHashMap<>();
    view.seats().forEach(seat -> shares.put(seat.memberId(), seat.share()));
    return shares;
  }

  @Override
  public List<Seat> plan(List<Applicant> applicants) {
    List<String> ids = applicants.stream().map(Applicant::memberId).toList();
    HashSet<String> members = new HashSet<>(ids);
    Map<String, Integer> wanted;
    if (proposed.keySet().equals(members)) {
      wanted = proposed;
    } else if (current.keySet().equals(members)) {
      wanted = current;
    } else {
      wanted = shares.better(ids, current).orElse(Map.of());
    }
    return RingPlan.of(applicants, id -> wanted.getOrDefault(id, 1));
  }
}
