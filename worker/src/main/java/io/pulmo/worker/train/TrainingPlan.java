package io.pulmo.worker.train;

import io.pulmo.model.job.JobSpec;
import java.util.List;

/**
 * The numbers that rule a run.
 *
 * @param batch samples of a step over all members
 * @param epochs how often the training list is gone through
 * @param seed of order and augmentation
 * @param onPlateau factor of the learning rate after an epoch whose validation loss did not fall
 * @param checkpointEverySteps beside each epoch's end
 * @param shares of all members by rank, relative to their sum
 */
public record TrainingPlan(
    int batch,
    int epochs,
    long seed,
    double onPlateau,
    int checkpointEverySteps,
    List<Integer> shares) {
  /** Checks that somebody has a share. */
  public TrainingPlan {
    shares = List.copyOf(shares);
    if (shares.stream().anyMatch(s -> s < 0) || shares.stream().allMatch(s -> s == 0)) {
      throw new IllegalArgumentException(
          "shares are " + shares + ", expected none below 0 and one above it");
    }
  }

  /** The plan of a job for members with these shares. */
  public static TrainingPlan of(JobSpec job, List<Integer> shares) {
    return new TrainingPlan(
        job.batch(),
        job.epochs(),
        job.seed(),
        job.optimizer().onPlateau(),
        job.checkpoint().everySteps(),
        shares);
  }
}
