package io.pulmo.worker.train;

import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.worker.ring.AllReduce;
import java.util.List;
import java.util.Optional;

/**
 * A member's part in a view: its ring, and the right to change the state until a later view is
 * promised.
 *
 * @param view who is in it, with which shares
 * @param restores of the job so far, as the leader has them
 * @param views what this member has promised
 * @param ring the view's
 */
public record Turn(
    View view, List<ViewJournal.Restore> restores, MemberViews views, AllReduce ring) {
  /** Copies the list. */
  public Turn {
    restores = List.copyOf(restores);
  }

  /** Whether no later view has been promised. */
  boolean mayGoOn() {
    return views.isIn(view.id());
  }

  /** Changes the state, unless a later view has been promised. */
  Optional<Label> step(Runnable change) {
    return views.step(view.id(), change);
  }

  /** This member's place in the ring. */
  int rank() {
    return ring.plan().rank();
  }

  /** By rank. */
  List<Integer> shares() {
    return view.seats().stream().map(seat -> seat.share()).toList();
  }
}
