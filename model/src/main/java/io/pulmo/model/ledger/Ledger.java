package io.pulmo.model.ledger;

import io.pulmo.model.view.Label;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Who computed which steps of a training, along the lineage of its weights: a part of the state,
 * equal on all members.
 *
 * @param sampler whose positions the shares divide
 * @param spans one for each view that took a step and the newest, the oldest first; each ends where
 *     the next begins
 * @param restores the views that went back to a checkpoint, the oldest first
 */
public record Ledger(Sampler sampler, List<Span> spans, List<ViewJournal.Restore> restores) {
  // Nothing more is needed to tell who computed which sample: positions follow from step and
  // shares, samples from epoch and position. Hence it grows with views, not with steps.

  /**
   * A member's part of each global batch.
   *
   * @param memberId drawn at random when its process started
   * @param name for people
   * @param share relative to the sum of all
   */
  public record Part(String memberId, String name, int share) {}

  /**
   * The steps of a view.
   *
   * @param view its id
   * @param leaderEpoch of the leader that wrote it
   * @param fromStep steps taken before it
   * @param parts by rank
   */
  public record Span(long view, long leaderEpoch, long fromStep, List<Part> parts) {
    /** Copies the list. */
    public Span {
      parts = List.copyOf(parts);
    }

    /** The shares by rank. */
    public List<Integer> shares() {
      return parts.stream().map(Part::share).toList();
    }
  }

  /** Copies the lists. Whether they make sense is the verifier's to say. */
  public Ledger {
    spans = List.copyOf(spans);
    restores = List.copyOf(restores);
  }

  /** That of a training before its first view. */
  public static Ledger start(Sampler sampler) {
    return new Ledger(sampler, List.of(), List.of());
  }

  /** The parts of a view's members. */
  public static List<Part> parts(View view) {
    return view.seats().stream().map(Ledger::part).toList();
  }

  private static Part part(Seat seat) {
    return new Part(seat.memberId(), seat.name(), seat.share());
  }

  /**
   * The ledger of a member that enters a view.
   *
   * @param step steps taken before
   * @param restored all restores of the job so far, as the leader has them
   */
  public Ledger enter(
      long view,
      long leaderEpoch,
      long step,
      List<Part> parts,
      List<ViewJournal.Restore> restored) {
    List<Span> longer = new ArrayList<>(spans);
    if (!spans.isEmpty()) {
      Span last = spans.getLast();
      if (view <= last.view || step < last.fromStep) {
        throw new IllegalArgumentException(
            "view %d from step %d on: the ledger is at view %d, which went from step %d on"
                .formatted(view, step, last.view, last.fromStep));
      }
      // A view that took no step leaves no trace, whether this member had entered it or not: so
      // those that had and those that had not come to the same ledger.
      if (last.fromStep == step) {
        longer.removeLast();
      }
    }
    longer.add(new Span(view, leaderEpoch, step, parts));
    return new Ledger(sampler, longer, restored);
  }

  /**
   * This ledger as a state of so many steps has it: a view that had not taken a step by then is not
   * in it, nor a restore for such a view.
   */
  public Ledger after(long steps) {
    List<Span> taken = spans.stream().filter(span -> span.fromStep < steps).toList();
    long newest = taken.isEmpty() ? 0 : taken.getLast().view;
    return new Ledger(
        sampler, taken, restores.stream().filter(restore -> restore.view() <= newest).toList());
  }

  /**
   * A view as its record in ZooKeeper has it.
   *
   * @param view its id
   * @param leaderEpoch of the leader that wrote it
   * @param continues the state that its members entered with
   * @param parts by rank
   */
  public record Recorded(long view, long leaderEpoch, Label continues, List<Part> parts) {
    /** Copies the list. */
    public Recorded {
      parts = List.copyOf(parts);
    }
  }

  /**
   * The ledger that the newest of the recorded views goes on with: those on its lineage alone,
   * since a restore leaves others behind.
   *
   * @param views all of the job's
   * @param restores all of the job's
   * @throws IllegalArgumentException if a view on the lineage is not among them
   */
  public static Ledger ofViews(
      Sampler sampler, List<Recorded> views, List<ViewJournal.Restore> restores) {
    Map<Long, Recorded> byId = new HashMap<>();
    views.forEach(view -> byId.put(view.view, view));
    Deque<Recorded> lineage = new ArrayDeque<>();
    long id = byId.keySet().stream().mapToLong(Long::longValue).max().orElse(0);
    while (id != 0) {
      Recorded view = byId.get(id);
      if (view == null) {
        throw new IllegalArgumentException(
            "view %d is not among the %d that are still recorded".formatted(id, views.size()));
      }
      if (view.continues.view() >= id) {
        throw new IllegalArgumentException("view " + id + " continues " + view.continues);
      }
      lineage.addFirst(view);
      id = view.continues.view();
    }
    Ledger ledger = start(sampler);
    for (Recorded view : lineage) {
      ledger =
          ledger.enter(view.view, view.leaderEpoch, view.continues.step(), view.parts, restores);
    }
    return ledger;
  }
}
