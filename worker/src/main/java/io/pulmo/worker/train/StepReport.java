package io.pulmo.worker.train;

/**
 * How far training has come.
 *
 * @param step steps done since the job's start
 * @param stepsTotal steps of the whole job
 * @param epoch from 0
 * @param loss mean over the last step's global batch
 * @param samplesPerSecond samples of the global batch a second, lately
 * @param samplesComputed samples of which this member computed the gradient, since the run's start
 * @param stepsComputed steps in which it computed the gradient of at least one sample
 */
public record StepReport(
    long step,
    long stepsTotal,
    int epoch,
    double loss,
    double samplesPerSecond,
    long samplesComputed,
    long stepsComputed) {}
