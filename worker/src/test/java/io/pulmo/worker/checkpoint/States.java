package io.pulmo.worker.checkpoint;

import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.worker.train.Optimizer;
import io.pulmo.worker.train.TrainingState;
import java.util.List;
import java.util.Random;

/** Training states whose steps depend on nothing but their number. */
final class States {
  /** A network of some thousand weights. */
  static final DenseNetSpec TINY = new DenseNetSpec(4, 4, 2, List.of(1, 1));

  private States() {}

  /** Of a network with Adam, before the first step, in view 1. */
  static TrainingState start(DenseNetSpec network) {
    Weights weights = Initialization.random(network, 1);
    TrainingState state =
        new TrainingState(
            weights.learned(),
            weights.statistics(),
            Optimizer.create(JobSpec.Optimizer.Kind.ADAM, network.learnedSize()),
            0.01,
            Ledger.start(new Sampler(100, 10, 1)));
    state.enter(1, 1, List.of(new Ledger.Part("a", "host:1 (2)", 1)), List.of());
    return state;
  }

  static TrainingState small(int steps) {
    TrainingState state = start(Preset.SMALL.network());
    train(state, steps);
    return state;
  }

  static void train(TrainingState state, int steps) {
    float[] gradient = new float[state.learned().length];
    float[] statistics = new float[state.statistics().length];
    for (int s = 0; s < steps; s++) {
      Random random = new Random(state.step());
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] = random.nextFloat() - 0.5f;
      }
      state.apply(gradient, statistics, 0.1f);
    }
  }
}
