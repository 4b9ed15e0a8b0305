package io.pulmo.worker.train;

import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Sampler;

/**
 * The numbers that rule a training.
 *
 * @param sampler which samples make which step
 * @param epochs how often the training list is gone through
 * @param earlyStop epochs without a better one after which it is over; 0 for never
 * @param onPlateau factor of the learning rate after an epoch whose validation loss did not fall
 * @param checkpointEverySteps beside each epoch's end
 */
public record TrainingPlan(
    Sampler sampler, int epochs, int earlyStop, double onPlateau, int checkpointEverySteps) {
  /** The plan of a job. */
  public static TrainingPlan of(JobSpec job, int samples) {
    return new TrainingPlan(
        new Sampler(samples, job.batch(), job.seed()),
        job.epochs(),
        job.earlyStop(),
        job.optimizer().onPlateau(),
        job.checkpoint().everySteps());
  }

  /** Whether a state is a final one: a function of the state, so that all members agree. */
  boolean isOver(TrainingState state) {
    return state.epoch() >= epochs || (earlyStop > 0 && state.epochsSinceBest() >= earlyStop);
  }

  /** Steps of the whole job, if it does not end early. */
  public long stepsTotal() {
    return (long) epochs * sampler.stepsPerEpoch();
  }
}
