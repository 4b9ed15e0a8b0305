package io.pulmo.coordinator.job;

import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether a training has come to its end: one final state with all members, and the bundle here.
 */
final class Finish {
  /** How long a bundle's files may still be on their way here from another coordinator. */
  static final Duration FILES_PATIENCE = Duration.ofSeconds(10);

  private static final int MOST_EXPORTS = 3;

  private final StoredFiles files;
  private int exports = 1;
  private @Nullable Long lackingSinceNanos;

  Finish(StoredFiles files) {
    this.files = files;
  }

  /** What is to be done. */
  sealed interface Verdict {
    /** Nothing yet. */
    record NotYet() implements Verdict {}

    /** The bundle is there. */
    record Done(String manifest) implements Verdict {}

    /** The bundle has to be made again: it lacks something. */
    record ExportAgain(String lacking) implements Verdict {}

    /** It lacks something again and again. */
    record GiveUp(String lacking) implements Verdict {}
  }

  /** Looks at a view that turns. */
  Verdict of(View view, Map<String, Recruit> recruits, long nowNanos) {
    Set<Holding> finals = new HashSet<>();
    for (Seat seat : view.seats()) {
      Recruit recruit = recruits.get(seat.memberId());
      Holding ended = recruit == null ? null : recruit.ended;
      if (ended == null || ended.label().view() != view.id()) {
        return new Verdict.NotYet();
      }
      finals.add(ended);
    }
    Recruit first = recruits.get(view.seats().getFirst().memberId());
    String manifest = first == null ? "" : first.manifest;
    if (finals.size() != 1 || manifest.isEmpty()) {
      return new Verdict.NotYet();
    }
    Optional<String> lacking = files.lacking(manifest);
    return lacking.isEmpty() ? new Verdict.Done(manifest) : lacking(lacking.get(), nowNanos);
  }

  /** The bundle went to a leader that is gone: it may still come from there, or is made again. */
  private Verdict lacking(String what, long nowNanos) {
    if (lackingSinceNanos == null) {
      lackingSinceNanos = nowNanos;
    }
    if (nowNanos - lackingSinceNanos < FILES_PATIENCE.toNanos()) {
      return new Verdict.NotYet();
    }
    lackingSinceNanos = null;
    return exports++ < MOST_EXPORTS ? new Verdict.ExportAgain(what) : new Verdict.GiveUp(what);
  }
}
