package io.pulmo.export;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.DenseNetSpec.Kind;
import io.pulmo.model.network.DenseNetSpec.Parameter;
import io.pulmo.model.weights.Tensor;
import io.pulmo.model.weights.Weights;
import java.util.LinkedHashMap;
import java.util.Random;
import java.util.SequencedMap;

/** Weights and statistics that a mistake cannot hide behind: none is 0, 1 or equal to another. */
final class RandomWeights {
  private RandomWeights() {}

  static Weights of(DenseNetSpec spec, long seed) {
    Random random = new Random(seed);
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : spec.parameters()) {
      boolean positive =
          parameter.kind() == Kind.RUNNING_VARIANCE
              || (parameter.shape().size() == 1 && parameter.name().endsWith("weight"));
      double scale =
          parameter.shape().size() > 1
              ? Math.sqrt(2.0 * parameter.shape().getFirst() / parameter.size())
              : 0.3;
      float[] values = new float[parameter.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            (float) (positive ? 0.6 + 0.8 * random.nextDouble() : scale * random.nextGaussian());
      }
      tensors.put(parameter.name(), new Tensor(parameter.shape(), values));
    }
    return new Weights(spec, tensors);
  }
}
