package io.pulmo.model.view;

import io.pulmo.model.view.Lineage.Part;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The ring of one view: nobody has a step's sum before all have given their part. */
final class FakeRing {
  final View view;
  private final Schedule schedule;
  private final Map<Long, Map<String, Part>> parts = new HashMap<>();
  private final Map<Long, String> bases = new HashMap<>();

  FakeRing(Schedule schedule, View view) {
    this.schedule = schedule;
    this.view = view;
  }

  /** A member's part of a step, computed on the state with that digest. */
  void contribute(String memberId, long step, String baseDigest, Part part) {
    String base = bases.putIfAbsent(step, baseDigest);
    if (base != null && !base.equals(baseDigest)) {
      throw schedule.broken(
          "replicas differ at step %d of view %d: %s, %s", step, view.id(), base, baseDigest);
    }
    Map<String, Part> given = parts.computeIfAbsent(step, it -> new TreeMap<>());
    given.put(memberId, part);
    if (given.size() < view.seats().size()) {
      return;
    }
    List<Part> all = new ArrayList<>(given.values());
    for (Seat seat : view.seats()) {
      FakeWorker worker = schedule.worker(seat.memberId());
      long delay = schedule.chance(0.02) ? schedule.millis(0, 2000) : schedule.millis(0, 20);
      schedule.in(delay, () -> worker.receive(() -> worker.summed(this, step, all)));
    }
  }

  /** The neighbour that a member cannot work with, if any; empty for a reason of its own. */
  Optional<String> obstacle(String memberId) {
    List<String> ring = view.seats().stream().map(Seat::memberId).toList();
    int rank = ring.indexOf(memberId);
    for (int step : new int[] {ring.size() - 1, 1}) {
      String other = ring.get((rank + step) % ring.size());
      if (!other.equals(memberId)
          && (!schedule.worker(other).alive || schedule.isCut(memberId, other))) {
        return Optional.of(other);
      }
    }
    return Optional.empty();
  }
}
