package io.pulmo.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.pulmo.export.FoldedNetwork.Concatenation;
import io.pulmo.export.FoldedNetwork.Convolution;
import io.pulmo.export.FoldedNetwork.ScaleShift;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Weights;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FoldedNetworkTest {
  @Test
  void fold_anyWeights_computesWhatTheUnfoldedNetworkDoes() {
    List<DenseNetSpec> specs =
        List.of(
            new DenseNetSpec(4, 2, 2, List.of(2, 1)),
            new DenseNetSpec(3, 3, 1, List.of(1, 1, 2)),
            new DenseNetSpec(5, 1, 3, List.of(2)));
    for (int seed = 0; seed < 12; seed++) {
      DenseNetSpec spec = specs.get(seed % specs.size());
      Weights weights = RandomWeights.of(spec, seed);
      PlainNetwork.Image crop = crop(seed, 32 + seed % 3);
      assertArrayEquals(
          PlainNetwork.probabilities(weights, crop),
          PlainNetwork.probabilities(FoldedNetwork.of(weights), crop),
          1e-12,
          spec + " with seed " + seed);
    }
  }

  @Test
  void fold_chexnet_leavesNormsBehindConcatenationsOnly() {
    FoldedNetwork network = FoldedNetwork.of(RandomWeights.of(Preset.CHEXNET.network(), 1));
    assertEquals(120, network.nodes().stream().filter(n -> n instanceof Convolution).count());
    assertEquals(62, network.nodes().stream().filter(n -> n instanceof ScaleShift).count());
    assertEquals(58, network.nodes().stream().filter(n -> n instanceof Concatenation).count());
  }

  private static PlainNetwork.Image crop(long seed, int side) {
    Random random = new Random(seed);
    double[] values = new double[3 * side * side];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextGaussian();
    }
    return new PlainNetwork.Image(3, side, values);
  }
}
