package io.pulmo.worker.train;

import io.pulmo.model.view.Label;

/** Who is told how training goes, on the training thread. */
public interface TrainingListener {
  /** Before each part of a step. */
  void turnsTo(Activity activity);

  /** After each step. */
  void stepped(StepReport report);

  /** After each epoch, when the step that ended it has been reported. */
  void judged(Judgement judgement);

  /**
   * When a checkpoint is due. No view can be promised meanwhile, so it only takes a copy; the state
   * must not be kept.
   */
  void checkpoint(Label label, TrainingState state);
}
