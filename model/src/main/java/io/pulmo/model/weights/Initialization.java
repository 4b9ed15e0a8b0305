package io.pulmo.model.weights;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.DenseNetSpec.Parameter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Random weights to start training from, distributed as torchvision's DenseNet draws them.
 *
 * <p>Convolutions are normal with variance 2 / fan-in (He et al., "Delving Deep into Rectifiers",
 * 2015), the classifier's weights uniform within ±1 / √fan-in and its bias 0; batch norms start as
 * the identity.
 */
public final class Initialization {
  private Initialization() {}

  /** Weights that depend on the network and the seed alone, to the bit, on every machine. */
  public static Weights random(DenseNetSpec spec, long seed) {
    Source source = source(seed);
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : spec.parameters()) {
      tensors.put(parameter.name(), draw(parameter, source));
    }
    return new Weights(spec, tensors);
  }

  /** A classifier alone, likewise; it goes on other weights. */
  static SequencedMap<String, Tensor> classifier(DenseNetSpec spec, long seed) {
    Source source = source(seed);
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : spec.parameters()) {
      if (parameter.name().startsWith("classifier.")) {
        tensors.put(parameter.name(), draw(parameter, source));
      }
    }
    return tensors;
  }

  private static Source source(long seed) {
    return new Source(RandomGeneratorFactory.<RandomGenerator>of("L64X128MixRandom").create(seed));
  }

  private static Tensor draw(Parameter parameter, Source source) {
    float[] values = new float[parameter.size()];
    fill(parameter, values, source);
    return new Tensor(parameter.shape(), values);
  }

  private static void fill(Parameter parameter, float[] values, Source source) {
    int fanIn = parameter.size() / parameter.shape().getFirst();
    switch (parameter.kind()) {
      case RUNNING_MEAN -> {} // zeros
      case RUNNING_VARIANCE -> Arrays.fill(values, 1);
      case LEARNED -> {
        switch (parameter.shape().size()) {
          case 4 -> source.normal(values, StrictMath.sqrt(2.0 / fanIn));
          case 2 -> source.uniform(values, 1 / StrictMath.sqrt(fanIn));
          default -> Arrays.fill(values, parameter.name().endsWith(".weight") ? 1 : 0);
        }
      }
    }
  }

  /** Numbers made of the generator's bits and StrictMath, which are the same everywhere. */
  private record Source(RandomGenerator bits) {
    void uniform(float[] values, double bound) {
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (bound * (2 * unit() - 1));
      }
    }

    /** Box and Muller's method: two normal numbers from two uniform ones. */
    void normal(float[] values, double deviation) {
      for (int i = 0; i < values.length; i += 2) {
        // In (0, 1], for the logarithm.
        double radius = deviation * StrictMath.sqrt(-2 * StrictMath.log(1 - unit()));
        double angle = 2 * Math.PI * unit();
        values[i] = (float) (radius * StrictMath.cos(angle));
        if (i + 1 < values.length) {
          values[i + 1] = (float) (radius * StrictMath.sin(angle));
        }
      }
    }

    private double unit() {
      return (bits.nextLong() >>> 11) * 0x1p-53;
    }
  }
}
