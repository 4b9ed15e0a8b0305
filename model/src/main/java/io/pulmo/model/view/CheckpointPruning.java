package io.pulmo.model.view;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Which of a member's checkpoints may go. */
public final class CheckpointPruning {
  /**
   * Of those that are newer than what was published last, so many of the oldest stay too: one of
   * them may be published, and the leader have gone before it could say so.
   */
  private static final int MAYBE_PUBLISHED = 4;

  private CheckpointPruning() {}

  /**
   * The superfluous ones. Never one that is published: a member that trains on without a leader
   * writes newer ones, which nobody can restore from.
   *
   * @param oldestFirst all that are here
   * @param published whether one is, as the leader said last
   * @param newest how many of the newest stay
   */
  public static <T> List<T> superfluous(List<T> oldestFirst, Predicate<T> published, int newest) {
    int last = -1;
    for (int at = 0; at < oldestFirst.size(); at++) {
      if (published.test(oldestFirst.get(at))) {
        last = at;
      }
    }
    List<T> superfluous = new ArrayList<>();
    for (int at = 0; at < oldestFirst.size() - newest; at++) {
      boolean maybe = at > last && at <= last + MAYBE_PUBLISHED;
      if (!maybe && !published.test(oldestFirst.get(at))) {
        superfluous.add(oldestFirst.get(at));
      }
    }
    return superfluous;
  }
}
