package io.pulmo.model.view;

import io.pulmo.model.view.Turn.Restoring;
import io.pulmo.model.view.ViewJournal.Kept;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How long a state is waited for that nobody here holds, before a checkpoint is restored. */
final class Patience {
  private final long patienceNanos;
  private final Set<String> knownDead = new HashSet<>();
  private @Nullable Long withoutSinceNanos;
  private boolean distrusted;

  Patience(long patienceNanos) {
    this.patienceNanos = patienceNanos;
  }

  /** That process has ended for certain. */
  void dead(String memberId) {
    knownDead.add(memberId);
  }

  boolean isDead(String memberId) {
    return knownDead.contains(memberId);
  }

  /** Nobody knows whose state is right: none is waited for. */
  void distrust() {
    distrusted = true;
  }

  boolean isDistrusted() {
    return distrusted;
  }

  /** Whether somebody is here who holds a state that can be gone on from. */
  void note(boolean hasState, long nowNanos) {
    if (hasState) {
      withoutSinceNanos = null;
    } else if (withoutSinceNanos == null) {
      withoutSinceNanos = nowNanos;
    }
  }

  boolean isWithoutState() {
    return withoutSinceNanos != null;
  }

  /** A view has been written. */
  void settled(View view) {
    distrusted = false;
    knownDead.removeIf(it -> view.seat(it).isEmpty());
  }

  /** What a turn may go back to if nobody brings a state. */
  Restoring restoring(Kept kept, long nowNanos) {
    Long since = withoutSinceNanos;
    if (distrusted || (since != null && nowNanos - since >= patienceNanos)) {
      return Restoring.ANY;
    }
    boolean allDead =
        kept.view()
            .filter(it -> it.seats().stream().allMatch(seat -> isDead(seat.memberId())))
            .isPresent();
    return since != null && allDead ? Restoring.NEWEST : Restoring.NO;
  }

  /** What is waited for, for people. */
  String status(Kept kept, long nowNanos) {
    View view = kept.view().orElseThrow();
    List<String> names = view.seats().stream().map(Seat::name).toList();
    String state =
        kept.checkpoints().isEmpty()
            ? "the start"
            : "the checkpoint of step " + kept.checkpoints().getLast().label().step();
    Long since = withoutSinceNanos;
    if (restoring(kept, nowNanos) != Restoring.NO || since == null) {
      return "waits for a worker that has " + state + " on its disk";
    }
    long leftMillis = (patienceNanos - (nowNanos - since)) / 1_000_000;
    return "waits for a worker of view %d (%s), goes back to %s in %d s"
        .formatted(view.id(), String.join(", ", names), state, (leftMillis + 999) / 1000);
  }
}
