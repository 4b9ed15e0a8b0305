package io.pulmo.model.ledger;

import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import java.util.ArrayList;
import java.util.List;

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
}
