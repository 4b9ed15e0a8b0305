package io.pulmo.model.view;

import java.util.List;
import java.util.Optional;

/**
 * Where a job's views outlive its leader. Each write is conditional on the record being as this
 * leader last saw it, and on its epoch being the newest. What a write throws ends the leader's
 * office: whether the write took place is read again by whoever leads next.
 */
public interface ViewJournal {
  /**
   * What is kept.
   *
   * @param view the current one, if there ever was one
   * @param reserved the highest id handed out
   * @param checkpoints published, the oldest first
   * @param gaps the restores, the oldest first
   */
  record Kept(Optional<View> view, long reserved, List<Published> checkpoints, List<Restore> gaps) {
    /** Copies the lists. */
    public Kept {
      checkpoints = List.copyOf(checkpoints);
      gaps = List.copyOf(gaps);
    }

    /** Nothing is kept. */
    public static Kept empty() {
      return new Kept(Optional.empty(), 0, List.of(), List.of());
    }
  }

  /**
   * A checkpoint that any view may be restored from.
   *
   * @param label of its state
   * @param sha256 of its file, hexadecimal
   * @param digest of the state in it
   * @param bestAuc of the best epoch so far, NaN before the first
   */
  record Published(Label label, String sha256, String digest, double bestAuc) {}

  /**
   * A view that went back to a checkpoint.
   *
   * @param view the one that it was for
   * @param toStep the step it went back to
   * @param fromStep the highest step reported before: at least so many were given up
   */
  record Restore(long view, long toStep, long fromStep) {}

  /** What is kept now, as of this leader's last write. */
  Kept current();

  /** Replaces it. */
  void write(Kept kept);
}
