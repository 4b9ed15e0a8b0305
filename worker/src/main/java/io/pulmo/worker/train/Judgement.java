package io.pulmo.worker.train;

import java.util.List;

/**
 * What validation says about an epoch, the same on every member.
 *
 * @param epoch from 0
 * @param aucMean over the findings that have both positives and negatives; NaN if none has
 * @param auc by finding; NaN where undefined
 * @param loss the mean over the validation list
 * @param best whether this epoch is the best so far
 */
public record Judgement(int epoch, double aucMean, List<Double> auc, double loss, boolean best) {}
