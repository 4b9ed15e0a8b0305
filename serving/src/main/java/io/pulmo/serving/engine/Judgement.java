package io.pulmo.serving.engine;

import io.pulmo.model.Findings;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.WeightRange;
import io.pulmo.serving.repository.ModelIdentity;
import java.util.Optional;

/**
 * What a model says about one study.
 *
 * @param findings the probabilities
 * @param model which model said it
 * @param mode what computed it
 * @param weightRange with which quantized weights, if so
 */
public record Judgement(
    Findings findings, ModelIdentity model, Mode mode, Optional<WeightRange> weightRange) {}
