package io.pulmo.worker.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.view.ViewJournal.Restore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainingStateTest {
  private static final int LEARNED = 40;
  private static final int STATISTICS = 6;
  private static final List<Ledger.Part> BOTH =
      List.of(new Ledger.Part("a", "host:1 (7)", 2), new Ledger.Part("b", "host:2 (8)", 1));

  private static TrainingState start(JobSpec.Optimizer.Kind kind) {
    Random random = new Random(1);
    return new TrainingState(
        draw(random, LEARNED),
        draw(random, STATISTICS),
        Optimizer.create(kind, LEARNED),
        0.01,
        Ledger.start(new Sampler(10, 2, 3)));
  }

  private static float[] draw(Random random, int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Steps whose gradients depend on the step alone, an epoch's end after every fifth. */
  private static void train(TrainingState state, int steps) {
    for (int s = 0; s < steps; s++) {
      Random random = new Random(state.step());
      state.apply(draw(random, LEARNED), draw(random, STATISTICS), 0.1f);
      if (state.step() % 5 == 0) {
        state.endEpoch(random.nextDouble(), random.nextDouble(), 0.5);
      }
    }
  }

  private static TrainingState copy(TrainingState state) throws IOException {
    SequencedMap<String, float[]> arrays = new LinkedHashMap<>();
    state.arrays().forEach((name, values) -> arrays.put(name, values.clone()));
    return TrainingState.read(state.header(), arrays);
  }

  @ParameterizedTest
  @EnumSource
  void read_ofAStateUnderWay_goesOnBitForBit(JobSpec.Optimizer.Kind kind) throws IOException {
    TrainingState whole = start(kind);
    whole.enter(1, 4, BOTH, List.of());
    train(whole, 13);
    TrainingState other = copy(whole);
    assertEquals(whole.digest(), other.digest());
    assertArrayEquals(whole.header(), other.header());
    TrainingState third = start(kind);
    third.replaceBy(other);
    train(whole, 9);
    train(third, 9);
    assertEquals(whole.digest(), third.digest());
    assertEquals(whole.ledger(), third.ledger());
    assertEquals(22, third.step());
    assertEquals(4, third.epoch());
    assertEquals(whole.epochsSinceBest(), third.epochsSinceBest());
  }

  @Test
  void digest_anyChange_isAnother() throws IOException {
    TrainingState state = start(JobSpec.Optimizer.Kind.ADAM);
    state.enter(1, 4, BOTH, List.of());
    train(state, 7);
    Set<String> digests = new HashSet<>(Set.of(state.digest()));
    int changes = 0;
    for (String name : state.arrays().keySet()) {
      int size = Objects.requireNonNull(state.arrays().get(name)).length;
      for (int i = 0; i < size; i++) {
        TrainingState other = copy(state);
        float[] values = Objects.requireNonNull(other.arrays().get(name));
        values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) ^ 1);
        assertTrue(digests.add(other.digest()), name + " at " + i);
        changes++;
      }
    }
    List<Consumer<TrainingState>> more =
        List.of(
            s -> s.endEpoch(2, -1, 1),
            s -> s.endEpoch(2, -2, 1),
            s -> s.endEpoch(2, 7, 1),
            s -> s.endEpoch(-1, 7, 1),
            s -> s.endEpoch(-1, 7, 0.5),
            s -> s.enter(2, 4, BOTH, List.of()),
            s -> s.enter(2, 5, BOTH, List.of()),
            s -> s.enter(2, 5, BOTH, List.of(new Restore(2, 7, 9))),
            s -> s.enter(2, 5, BOTH.subList(0, 1), List.of()),
            s -> s.apply(new float[LEARNED], new float[STATISTICS], 0));
    for (Consumer<TrainingState> change : more) {
      TrainingState other = copy(state);
      change.accept(other);
      assertTrue(digests.add(other.digest()));
      changes++;
    }
    assertEquals(1 + changes, digests.size());
  }

  @Test
  void digest_longArrays_coversEachStretch() {
    float[] learned = new float[(1 << 20) + 5];
    TrainingState state =
        new TrainingState(
            learned,
            new float[1],
            Optimizer.create(JobSpec.Optimizer.Kind.SGD, learned.length),
            1,
            Ledger.start(new Sampler(1, 1, 1)));
    String before = state.digest();
    for (int at : new int[] {0, (1 << 19) - 1, 1 << 19, (1 << 20) + 4}) {
      learned[at] = 1;
      assertNotEquals(before, state.digest());
      learned[at] = 0;
    }
    assertEquals(before, state.digest());
  }

  @Test
  void enter_aViewThatTookNoStep_isForgotten() {
    TrainingState entered = start(JobSpec.Optimizer.Kind.SGD);
    TrainingState outside = start(JobSpec.Optimizer.Kind.SGD);
    for (TrainingState state : List.of(entered, outside)) {
      state.enter(1, 4, BOTH, List.of());
      train(state, 3);
    }
    entered.enter(2, 4, BOTH.subList(0, 1), List.of());
    for (TrainingState state : List.of(entered, outside)) {
      state.enter(5, 6, BOTH, List.of());
    }
    assertEquals(outside.digest(), entered.digest());
    assertEquals(
        List.of(1L, 5L), entered.ledger().spans().stream().map(Ledger.Span::view).toList());
    assertThrows(IllegalArgumentException.class, () -> entered.enter(5, 7, BOTH, List.of()));
  }

  @Test
  void read_ofSomethingElse_isRefused() throws IOException {
    TrainingState state = start(JobSpec.Optimizer.Kind.ADAM);
    train(state, 6);
    String header = new String(state.header(), StandardCharsets.UTF_8);
    for (String altered :
        List.of(
            header.replace("pulmo-state-1", "pulmo-state-2"),
            header.replace("\"epoch\":1", "\"epoch\":\"1\""),
            header.replace("\"epoch\":1,", ""),
            header.replace("adam", "sgd"),
            header.replace("\"samples\":10", "\"samples\":0"),
            header.replace("[\"learned\",40]", "[\"learned\",41]"),
            header.replace("[\"learned\",40]", "[\"learned\",-1]"),
            header + " ",
            "{}",
            "")) {
      assertThrows(
          IOException.class,
          () -> TrainingState.read(altered.getBytes(StandardCharsets.UTF_8), state.arrays()),
          altered);
    }
    StateHeader parsed = StateHeader.parse(state.header());
    parsed.require(LEARNED, STATISTICS);
    assertThrows(IOException.class, () -> parsed.require(LEARNED + 1, STATISTICS));
  }
}
