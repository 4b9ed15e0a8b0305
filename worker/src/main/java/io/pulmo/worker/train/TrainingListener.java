package io.pulmo.worker.train;

import java.io.IOException;

/** Who is told how training goes, on the training thread. */
public interface TrainingListener {
  /** After each step. */
  void stepped(StepReport report);

  /** After each epoch. */
  void judged(Judgement judgement) throws InterruptedException;

  /** When a checkpoint is due; the state must not be kept. */
  void checkpoint(TrainingState state) throws IOException;
}
