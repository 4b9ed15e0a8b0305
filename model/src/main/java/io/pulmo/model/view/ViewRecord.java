package io.pulmo.model.view;

import io.pulmo.model.view.ViewJournal.Kept;
import io.pulmo.model.view.ViewJournal.Published;
import io.pulmo.model.view.ViewJournal.Restore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The journal as one leader writes it; over once a write has failed. */
final class ViewRecord {
  private static final int RECORDED_RESTORES = 500;

  private final ViewJournal journal;
  private Kept kept;
  private boolean failed;

  ViewRecord(ViewJournal journal) {
    this.journal = journal;
    kept = journal.current();
  }

  Kept kept() {
    return kept;
  }

  Optional<View> view() {
    return kept.view();
  }

  boolean hasFailed() {
    return failed;
  }

  boolean isCurrent(long view) {
    return kept.view().filter(it -> it.id() == view).isPresent();
  }

  boolean isSeated(String memberId) {
    return kept.view().flatMap(it -> it.seat(memberId)).isPresent();
  }

  /** Hands out an id above every one that is known. */
  long reserve(long highestPromise) {
    long current = kept.view().map(View::id).orElse(0L);
    long id = 1 + Math.max(highestPromise, Math.max(kept.reserved(), current));
    write(new Kept(kept.view(), id, kept.checkpoints(), kept.gaps()));
    return id;
  }

  /**
   * Writes a view.
   *
   * @param givenUpFrom the highest step reported of the view before, if the new one goes back
   */
  void enter(View view, OptionalLong givenUpFrom) {
    List<Published> published = new ArrayList<>(kept.checkpoints());
    List<Restore> gaps = new ArrayList<>(kept.gaps());
    if (givenUpFrom.isPresent()) {
      // What is newer lies on a branch that has been given up.
      long toStep = view.continues().step();
      published.removeIf(it -> it.label().step() > toStep);
      gaps.add(new Restore(view.id(), toStep, givenUpFrom.getAsLong()));
      if (gaps.size() > RECORDED_RESTORES) {
        gaps.remove(0);
      }
    }
    write(new Kept(Optional.of(view), view.id(), published, gaps));
  }

  /** Publishes a checkpoint, and drops those that nothing needs any more. */
  void publish(Published checkpoint) {
    List<Published> published = new ArrayList<>(kept.checkpoints());
    published.add(checkpoint);
    Label continued = kept.view().orElseThrow().continues();
    write(
        new Kept(
            kept.view(), kept.reserved(), Checkpoints.kept(published, continued), kept.gaps()));
  }

  private void write(Kept next) {
    failed = true;
    journal.write(next);
    failed = false;
    kept = next;
  }
}
