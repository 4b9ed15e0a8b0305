package io.pulmo.model.view;

import io.pulmo.model.view.ViewJournal.Kept;
import io.pulmo.model.view.ViewJournal.Published;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What truly happened, seen from outside: it says when the protocol has broken a promise. */
final class Lineage {
  static final int BATCH = 12;

  /** Samples [from, to) that a member computed. */
  record Part(String memberId, long from, long to) {}

  /** A training state: nothing but how it came about. */
  static final class State {
    static final State START = new State(null, 0, List.of());

    final @Nullable State parent;
    final long steps;
    final long cursor;
    final List<Part> parts;
    final String digest;

    private State(@Nullable State parent, long view, List<Part> parts) {
      this.parent = parent;
      this.parts = parts;
      steps = parent == null ? 0 : parent.steps + 1;
      cursor = parent == null ? 0 : parent.cursor + BATCH;
      digest =
          parent == null
              ? "0"
              : Long.toHexString(
                  31 * Long.parseUnsignedLong(parent.digest, 16) * 0x9e3779b97f4a7c15L
                      + Objects.hash(view, steps, parts) * 0x2545f4914f6cdd1dL
                      + 1);
    }

    State after(long view, List<Part> sum) {
      return new State(this, view, sum);
    }

    boolean comesFrom(State ancestor) {
      State at = this;
      while (at != null && at.steps > ancestor.steps) {
        at = at.parent;
      }
      return at == ancestor || (at != null && at.digest.equals(ancestor.digest));
    }
  }

  private final Schedule schedule;
  private final Map<Label, State> states = new HashMap<>();
  private final Map<Label, Set<String>> heldBy = new HashMap<>();
  private final Map<Long, Long> committed = new HashMap<>();
  private final Map<Long, Long> left = new HashMap<>();
  private final Set<Long> abandoned = new HashSet<>();
  private final Map<Long, View> views = new HashMap<>();

  int viewCount;
  int restoreCount;
  long commitCount;
  int publishedCount;
  private String end = "none";

  Lineage(Schedule schedule) {
    this.schedule = schedule;
    states.put(Label.START, State.START);
  }

  /**
   * A member holds a state under a label; a step is committed once all of its view's members do.
   */
  void held(String memberId, Label label, State state) {
    State other = states.putIfAbsent(label, state);
    if (other != null && !other.digest.equals(state.digest)) {
      throw schedule.broken(
          "fork: %s holds %s at %s, another %s", memberId, state.digest, label, other.digest);
    }
    View view = views.get(label.view());
    if (view == null || view.seat(memberId).isEmpty()) {
      return;
    }
    Set<String> members = heldBy.computeIfAbsent(label, it -> new HashSet<>());
    if (members.add(memberId) && members.size() == view.seats().size()) {
      commitCount++;
      committed.merge(view.id(), label.step(), Math::max);
      Long end = left.get(view.id());
      if (end != null && label.step() > end && !abandoned.contains(view.id())) {
        throw schedule.broken(
            "fork: view %d commits step %d, and was continued from %d",
            view.id(), label.step(), end);
      }
    }
  }

  State state(Label label) {
    State state = states.get(label);
    if (state == null) {
      throw schedule.broken("nobody ever held %s", label);
    }
    return state;
  }

  private long committedStep(View view) {
    return committed.getOrDefault(view.id(), view.continues().step());
  }

  String summary() {
    return "%d views, %d restores, %d commits, %d published, end %s"
        .formatted(viewCount, restoreCount, commitCount, publishedCount, end);
  }

  /** The record is being replaced. */
  void written(Kept before, Kept after, FakeCoordinator leader) {
    boolean isView = !before.view().equals(after.view());
    if (after.reserved() < before.reserved()) {
      throw schedule.broken("ids are handed out again: %s after %s", after, before);
    }
    if (isView) {
      View next = after.view().orElseThrow();
      viewCount++;
      if (views.put(next.id(), next) != null) {
        throw schedule.broken("view %d is written twice", next.id());
      }
      before.view().ifPresent(view -> changed(view, next, before, after, leader));
      schedule.trace("%s writes %s", leader.name, next);
    }
    if (after.view().isEmpty()) {
      return;
    }
    View view = after.view().get();
    for (Published it : after.checkpoints()) {
      boolean isOwn = it.label().view() == view.id();
      if (isOwn && it.label().step() > committedStep(view)) {
        throw schedule.broken("%s is published, committed is %d", it, committedStep(view));
      }
      if (!state(it.label()).digest.equals(it.digest())
          || (!isOwn && !state(view.continues()).comesFrom(state(it.label())))) {
        throw schedule.broken("the checkpoint %s is not on the lineage of %s", it, view);
      }
    }
    if (after.checkpoints().size() > before.checkpoints().size()) {
      publishedCount++;
    }
  }

  private void changed(View view, View next, Kept before, Kept after, FakeCoordinator leader) {
    Label from = next.continues();
    if (after.gaps().size() == before.gaps().size()) {
      boolean isOwn = from.view() == view.id() && from.step() >= committedStep(view);
      boolean isUntouched = from.equals(view.continues()) && committedStep(view) == from.step();
      if (!isOwn && !isUntouched) {
        throw schedule.broken(
            "committed steps are lost: view %d has %d, view %d continues %s",
            view.id(), committedStep(view), next.id(), from);
      }
      if (!state(from).comesFrom(state(view.continues()))) {
        throw schedule.broken("fork: %s is not on the lineage of %s", from, view);
      }
      left.put(view.id(), from.step());
      return;
    }
    restoreCount++;
    abandoned.add(view.id());
    if (!from.equals(Label.START)
        && before.checkpoints().stream().noneMatch(it -> it.label().equals(from))) {
      throw schedule.broken("view %d goes back to %s, never published", next.id(), from);
    }
    List<FakeWorker> living =
        view.seats().stream()
            .map(it -> schedule.worker(it.memberId()))
            .filter(it -> it.alive)
            .toList();
    for (FakeWorker worker : living) {
      long seen =
          Math.max(
              leader.leadsSinceNanos,
              leader.seenNanos.getOrDefault(worker.memberId, leader.leadsSinceNanos));
      boolean isHere = leader.isHere(worker.memberId);
      if (worker.holdsCandidate(before)
          && (isHere || schedule.now() - seen < Schedule.PATIENCE_MILLIS * 1_000_000L)) {
        throw schedule.broken(
            "restored to %s, committed is %d, while %s lives, here: %s, seen %d ms ago",
            from,
            committedStep(view),
            worker.memberId,
            isHere,
            (schedule.now() - seen) / 1_000_000);
      }
    }
  }

  /** The job is over: each sample was computed once. */
  void completed(String digest) {
    View view = schedule.ensemble().kept().view().orElseThrow();
    State end = state(new Label(view.id(), schedule.stepCount));
    if (!end.digest.equals(digest)) {
      throw schedule.broken("the end is %s, reported was %s", end.digest, digest);
    }
    this.end = digest;
    List<Part> parts = new ArrayList<>();
    for (State at = end; at != null; at = at.parent) {
      parts.addAll(at.parts);
    }
    parts.sort(Comparator.comparingLong(Part::from).thenComparingLong(Part::to));
    long expected = 0;
    for (Part part : parts) {
      if (part.from() != expected) {
        throw schedule.broken(
            "samples are %s: expected %d, %s",
            part.from() > expected ? "left out" : "doubled", expected, part);
      }
      expected = part.to();
    }
    if (expected != schedule.stepCount * BATCH) {
      throw schedule.broken("samples end at %d of %d", expected, schedule.stepCount * BATCH);
    }
  }
}
