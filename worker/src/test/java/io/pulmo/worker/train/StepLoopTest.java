package io.pulmo.worker.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.Loss;
import io.pulmo.net.WeightedBinaryCrossEntropy;
import io.pulmo.worker.device.CpuDevice;
import io.pulmo.worker.device.GradientDevice;
import io.pulmo.worker.ring.AllReduce;
import io.pulmo.worker.ring.RingBrokenException;
import io.pulmo.worker.ring.RingPlan;
import io.pulmo.worker.ring.Rings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class StepLoopTest {
  private static final int SIDE = 8;
  private static final DrawnSamples TRAIN = new DrawnSamples(101, SIDE, 1);
  private static final DrawnSamples JUDGED = new DrawnSamples(47, SIDE, 1000);

  private static final Loss LOSS =
      WeightedBinaryCrossEntropy.balanced(TRAIN.list().positives(), TRAIN.size());

  /** What a member came to. */
  private record Outcome(
      TrainingState state, String digest, List<Judgement> judgements, StepReport last) {}

  @Test
  void run_oneTwoThreeMembers_differOnlyByTheOrderOfSums() throws Exception {
    Outcome alone = train(List.of(1)).getFirst();
    for (List<Integer> shares : List.of(List.of(1, 1), List.of(3, 1, 2))) {
      List<Outcome> members = train(shares);
      for (Outcome member : members) {
        assertEquals(members.getFirst().digest, member.digest);
        assertEquals(members.getFirst().judgements, member.judgements);
        assertEquals(alone.state.step(), member.state.step());
      }
      Outcome first = members.getFirst();
      assertArrayEquals(alone.state.learned(), first.state.learned(), 1e-4f);
      assertEquals(alone.state.statistics()[0], first.state.statistics()[0], 1e-5f);
      assertEquals(alone.judgements.getLast().loss(), first.judgements.getLast().loss(), 1e-4);
      assertEquals(
          3L * TRAIN.size(), members.stream().mapToLong(m -> m.last.samplesComputed()).sum());
    }
  }

  @Test
  void run_learnableSamples_keepsTheBestEpoch() throws Exception {
    Outcome alone = train(List.of(1)).getFirst();
    assertEquals(List.of(0, 1, 2), alone.judgements.stream().map(Judgement::epoch).toList());
    assertTrue(alone.judgements.getLast().aucMean() > 0.9, alone.judgements::toString);
    Judgement best =
        alone.judgements.stream().reduce((a, b) -> b.aucMean() > a.aucMean() ? b : a).orElseThrow();
    assertEquals(best.epoch(), alone.state.bestEpoch());
    assertEquals(best.aucMean(), alone.state.bestAuc());
  }

  @Test
  void run_memberWithoutAShare_keepsTheSameBits() throws Exception {
    List<Outcome> members = train(List.of(1, 0));
    assertEquals(members.get(0).digest, members.get(1).digest);
    assertEquals(0, members.get(1).last.stepsComputed());
    assertEquals(0, members.get(1).last.samplesComputed());
  }

  @Test
  void run_denseNetOnTwoMembers_endsWithTheSameBits() throws Exception {
    DenseNetSpec spec = new DenseNetSpec(4, 4, 2, List.of(1, 1));
    Weights weights = Initialization.random(spec, 5);
    DrawnSamples train = new DrawnSamples(22, 32, 1);
    DrawnSamples judged = new DrawnSamples(9, 32, 99);
    List<Outcome> members =
        train(
            List.of(1, 1),
            new TrainingPlan(new Sampler(22, 8, 3), 2, 0, 0.1, 1000),
            train,
            judged,
            () -> new CpuDevice(spec, LOSS, 1),
            () -> new float[][] {weights.learned(), weights.statistics()},
            -1);
    assertEquals(members.get(0).digest, members.get(1).digest);
    assertEquals(6, members.get(0).state.step());
  }

  @Test
  void run_withoutABetterEpochForAsLongAsAgreed_endsEarly_onAllMembers() throws Exception {
    // Nothing is learned from the same list judged by a network that stays as it is.
    TrainingPlan plan = new TrainingPlan(new Sampler(TRAIN.size(), 16, 42), 50, 2, 0, 1000);
    List<Outcome> members =
        train(List.of(1, 1), plan, TRAIN, JUDGED, StepLoopTest::linear, StepLoopTest::zeros, -1);
    TrainingState state = members.get(0).state;
    assertTrue(state.epoch() < 50, "all 50 epochs were gone through");
    assertEquals(2, state.epochsSinceBest());
    assertEquals(state.epoch() - 3, state.bestEpoch());
    assertEquals(members.get(0).digest, members.get(1).digest);
  }

  @Test
  void run_memberIsLost_failsNamingIt() {
    List<Integer> shares = List.of(1, 1);
    ExecutionException thrown =
        assertThrows(
            ExecutionException.class,
            () ->
                train(shares, plan(), TRAIN, JUDGED, StepLoopTest::linear, StepLoopTest::zeros, 1));
    assertEquals(
        "member-1", assertInstanceOf(RingBrokenException.class, thrown.getCause()).memberId());
  }

  private static TrainingPlan plan() {
    return new TrainingPlan(new Sampler(TRAIN.size(), 16, 42), 3, 0, 0.1, 1000);
  }

  private static GradientDevice linear() {
    return new LinearDevice(SIDE, LOSS);
  }

  private static float[][] zeros() {
    return new float[][] {new float[Finding.COUNT * 3 * SIDE * SIDE], new float[2]};
  }

  private static List<Outcome> train(List<Integer> shares) throws Exception {
    return train(shares, plan(), TRAIN, JUDGED, StepLoopTest::linear, StepLoopTest::zeros, -1);
  }

  /** Runs all members; the one with rank lost leaves after its third step. */
  private static List<Outcome> train(
      List<Integer> shares,
      TrainingPlan plan,
      DrawnSamples train,
      DrawnSamples judged,
      Supplier<GradientDevice> devices,
      Supplier<float[][]> weights,
      int lost)
      throws Exception {
    ExecutorService decoders = Executors.newFixedThreadPool(2);
    try (Rings rings = new Rings(shares.size())) {
      return rings.each(
          rings.view(),
          ring ->
              () -> {
                float[][] start = weights.get();
                TrainingState state =
                    new TrainingState(
                        start[0],
                        start[1],
                        Optimizer.create(JobSpec.Optimizer.Kind.ADAM, start[0].length),
                        0.02,
                        Ledger.start(plan.sampler()));
                Recorder recorder = new Recorder(ring, lost == ring.plan().rank() ? 3 : -1);
                try (GradientDevice device = devices.get();
                    BatchLoader loader =
                        new BatchLoader(train, plan.sampler(), plan.epochs(), decoders, 1 << 20);
                    ring) {
                  boolean ended =
                      new StepLoop(
                              plan,
                              state,
                              turn(ring, shares),
                              new StepLoop.Tools(
                                  loader,
                                  new Validation(judged.list(), judged, LOSS, decoders),
                                  device),
                              new StepLoop.Tally(),
                              recorder)
                          .run();
                  assertTrue(ended);
                }
                return new Outcome(
                    state, state.digest(), recorder.judgements, recorder.steps.getLast());
              });
    } finally {
      decoders.shutdownNow();
    }
  }

  private static Turn turn(AllReduce ring, List<Integer> shares) {
    List<Seat> seats = new ArrayList<>();
    for (RingPlan.Peer peer : ring.plan().members()) {
      seats.add(
          new Seat(peer.memberId(), peer.name(), peer.address(), shares.get(seats.size()), 1));
    }
    View view = new View(ring.plan().view(), 1, seats, Label.START);
    return new Turn(view, List.of(), entered(view), ring);
  }

  private static MemberViews entered(View view) {
    MemberViews views = new MemberViews(() -> "");
    var promised = views.prepare(1, view.id());
    var adopted = views.adopt(1, view.id(), view.continues(), () -> {});
    var installed = views.install(1, view);
    assertEquals(
        List.of(true, true, true),
        List.of(
            promised instanceof Answer.Promised,
            adopted instanceof Answer.Done,
            installed instanceof Answer.Done));
    return views;
  }

  /** Remembers what it is told, and leaves the ring when its time has come. */
  private static final class Recorder implements TrainingListener {
    private final AllReduce ring;
    private final long leaveAfter;
    private final List<StepReport> steps = new ArrayList<>();
    private final List<Judgement> judgements = new ArrayList<>();

    Recorder(AllReduce ring, long leaveAfter) {
      this.ring = ring;
      this.leaveAfter = leaveAfter;
    }

    @Override
    public void turnsTo(Activity activity) {}

    @Override
    public void stepped(StepReport report) {
      steps.add(report);
      if (report.label().step() == leaveAfter) {
        ring.abort("lost");
      }
    }

    @Override
    public void judged(Judgement judgement) {
      judgements.add(judgement);
    }

    @Override
    public void checkpoint(Label label, TrainingState state) {}
  }
}
