package io.pulmo.worker.train;

import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.view.Label;
import java.util.Optional;

/**
 * How far training has come.
 *
 * @param label of the state after the step
 * @param stepsTotal steps of the whole job
 * @param epoch of the step, from 0
 * @param mine positions of the epoch's order that this member computed
 * @param loss mean over the step's global batch
 * @param samplesPerSecond samples of the global batch a second, lately
 * @param samplesComputed samples of which this member computed the gradient, since it took part
 * @param stepsComputed steps in which it computed the gradient of at least one sample
 * @param digest of the state, now and then
 * @param pace what a step takes, lately
 * @param took what this one took, with the judging of the epoch that it ended
 * @param summed samples of which the members' sum has the gradient
 */
public record StepReport(
    Label label,
    long stepsTotal,
    int epoch,
    Sampler.Range mine,
    double loss,
    double samplesPerSecond,
    long samplesComputed,
    long stepsComputed,
    Optional<String> digest,
    Pace.Means pace,
    Pace.Means took,
    long summed) {}
