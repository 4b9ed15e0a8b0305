package io.pulmo.model.view;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** How far the members of the record's view have come, and what digests they named on the way. */
final class Reports {
  /** Labels whose digests are waited for at once; members of one ring are never far apart. */
  private static final int COMPARED_STEPS = 64;

  private final Optional<View> view;
  private final Map<String, Long> steps = new HashMap<>();
  private final TreeMap<Long, Map<String, String>> digests = new TreeMap<>();
  private long highest;

  /** Nothing has been reported of the view. */
  Reports(Optional<View> view) {
    this.view = view;
    highest = view.map(it -> it.continues().step()).orElse(0L);
  }

  /**
   * A member says which state it holds.
   *
   * @return the digests by member, once every member of the view has named its own for that step
   *     and they are not all the same
   */
  Optional<Map<String, String>> reported(String memberId, Label label, Optional<String> digest) {
    if (view.isEmpty() || label.view() != view.get().id() || view.get().seat(memberId).isEmpty()) {
      return Optional.empty();
    }
    steps.merge(memberId, label.step(), Math::max);
    highest = Math.max(highest, label.step());
    if (digest.isEmpty()) {
      return Optional.empty();
    }
    Map<String, String> named =
        digests.computeIfAbsent(label.step(), step -> new LinkedHashMap<>());
    named.putIfAbsent(memberId, digest.get());
    if (digests.size() > COMPARED_STEPS) {
      digests.pollFirstEntry();
    }
    if (named.size() < view.get().seats().size()) {
      return Optional.empty();
    }
    digests.remove(label.step());
    return named.values().stream().distinct().count() > 1 ? Optional.of(named) : Optional.empty();
  }

  /**
   * The newest step that every member of the view has reported; that which it continues at least.
   */
  long committedStep() {
    if (view.isEmpty()) {
      return 0;
    }
    long first = view.get().continues().step();
    return view.get().seats().stream()
        .mapToLong(seat -> steps.getOrDefault(seat.memberId(), first))
        .min()
        .orElse(first);
  }

  /** The newest step that anybody has reported. */
  long highestStep() {
    return highest;
  }
}
