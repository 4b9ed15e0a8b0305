package io.pulmo.worker.train;

import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.view.Label;
import io.pulmo.worker.device.Batch;
import io.pulmo.worker.device.GradientDevice;
import io.pulmo.worker.ring.RingException;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Training in step with the other members of a view: each computes the gradient of its part of a
 * global batch, the ring adds, and all take the same step.
 */
public final class StepLoop {
  // What goes round the ring: the mean gradient and the batch statistics of n samples times n, the
  // mean loss times n, and n. Divided by the sum of n they are the means over the global batch; the
  // variance of a batch norm is then the mean of the members' own variances. A member without
  // samples adds zeros.
  //
  // An epoch's end belongs to its last step: both change the state at once, so that there is one
  // state of each label. The step is taken on a copy, the copy is judged, and then takes the
  // state's
  // place. Where a later view is promised meanwhile, that view repeats the step and the judging.

  private final TrainingPlan plan;
  private final TrainingState state;
  private final Turn turn;
  private final Tools tools;
  private final Tally tally;
  private final TrainingListener listener;

  private final float[] gradient;
  private final float[] statistics;
  private final float[] sums;
  private final Pace pace = new Pace();
  private final DigestRhythm rhythm = new DigestRhythm();
  private @Nullable String digest;

  /**
   * What a member trains with, whatever the view.
   *
   * @param loader the training list's samples
   * @param validation judges epochs
   * @param device computes gradients
   */
  public record Tools(BatchLoader loader, Validation validation, GradientDevice device) {}

  /** What a member has computed over all its views. */
  public static final class Tally {
    private long samples;
    private long steps;

    /** Nothing yet. */
    public Tally() {}

    private void add(int computed) {
      samples += computed;
      steps += computed > 0 ? 1 : 0;
    }
  }

  /** A loop that goes on from the state's step. */
  public StepLoop(
      TrainingPlan plan,
      TrainingState state,
      Turn turn,
      Tools tools,
      Tally tally,
      TrainingListener listener) {
    this.plan = plan;
    this.state = state;
    this.turn = turn;
    this.tools = tools;
    this.tally = tally;
    this.listener = listener;
    this.gradient = new float[state.learned().length];
    this.statistics = new float[state.statistics().length];
    this.sums = new float[gradient.length + statistics.length + 2];
  }

  /**
   * Trains to the last epoch's end, or until a later view is promised.
   *
   * @return whether the training is at its end
   * @throws TrainingException if an image or a number is bad
   */
  public boolean run() throws TrainingException, RingException, InterruptedException {
    if (isAtItsEnd()) {
      return true;
    }
    tools.loader.restart(turn.shares(), turn.rank(), state.step());
    try {
      while (step()) {
        if (isAtItsEnd()) {
          return true;
        }
      }
    } finally {
      tools.loader.stop();
    }
    return false;
  }

  private boolean isAtItsEnd() {
    return plan.isOver(state);
  }

  /** Takes a step; false if a later view was promised first. */
  private boolean step() throws TrainingException, RingException, InterruptedException {
    int perEpoch = plan.sampler().stepsPerEpoch();
    int inEpoch = (int) (state.step() % perEpoch);
    int epoch = state.epoch();
    long begun = System.nanoTime();
    listener.turnsTo(Activity.DATA);
    Batch mine = tools.loader.next(turn::mayGoOn);
    if (mine == null) {
      return false;
    }
    long loaded = System.nanoTime();
    double loss = compute(mine);
    long computed = System.nanoTime();
    double meanLoss = reduce(mine.samples(), loss);
    long reduced = System.nanoTime();
    Judgement judgement = null;
    Optional<Label> label;
    if (inEpoch < perEpoch - 1) {
      listener.turnsTo(Activity.APPLYING);
      label = takeStep();
    } else {
      TrainingState next = stepped();
      listener.turnsTo(Activity.VALIDATING);
      judgement = judge(next);
      label = judgement == null ? Optional.empty() : endEpoch(next);
    }
    if (label.isEmpty()) {
      return false;
    }
    Sampler.Range batch = plan.sampler().batchOf(inEpoch);
    Pace.Means took =
        new Pace.Means(
            millis(loaded, computed),
            millis(begun, loaded),
            millis(computed, reduced),
            millis(reduced, System.nanoTime()),
            mine.samples());
    if (judgement == null) {
      pace.step(took, batch.size());
    }
    tally.add(mine.samples());
    listener.stepped(
        new StepReport(
            label.get(),
            plan.stepsTotal(),
            epoch,
            Sampler.part(batch, turn.shares(), turn.rank()),
            meanLoss,
            pace.samplesPerSecond(),
            tally.samples,
            tally.steps,
            Optional.ofNullable(digest),
            pace.means(),
            took,
            (long) sums[sums.length - 1]));
    if (judgement != null) {
      listener.judged(judgement);
    }
    return true;
  }

  private double compute(Batch mine) {
    if (mine.samples() == 0) {
      return 0;
    }
    listener.turnsTo(Activity.COMPUTING);
    tools.device.load(state.learned(), state.statistics());
    return tools.device.backward(mine, gradient, statistics);
  }

  private double reduce(int count, double loss)
      throws TrainingException, RingException, InterruptedException {
    listener.turnsTo(Activity.RING);
    gather(count, loss);
    turn.ring().allReduce(sums);
    return scatter();
  }

  private void gather(int count, double loss) {
    int end = gradient.length + statistics.length;
    if (count == 0) {
      Arrays.fill(sums, 0);
      return;
    }
    for (int i = 0; i < gradient.length; i++) {
      sums[i] = gradient[i] * count;
    }
    for (int i = 0; i < statistics.length; i++) {
      sums[gradient.length + i] = statistics[i] * count;
    }
    sums[end] = (float) loss * count;
    sums[end + 1] = count;
  }

  private double scatter() throws TrainingException {
    int end = gradient.length + statistics.length;
    float count = sums[end + 1];
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] = sums[i] / count;
    }
    for (int i = 0; i < statistics.length; i++) {
      statistics[i] = sums[gradient.length + i] / count;
    }
    double loss = sums[end] / count;
    if (!Double.isFinite(loss)) {
      throw new TrainingException(
          "the loss is %s after step %d: training diverged; lower optimizer.learningRate (%s)"
              .formatted(loss, state.step() + 1, state.learningRate()));
    }
    return loss;
  }

  private Optional<Label> takeStep() {
    return turn.step(
        () -> {
          advance(state);
          boolean checkpoint = state.step() % plan.checkpointEverySteps() == 0;
          tell(rhythm.isDue(state.step()), checkpoint);
        });
  }

  private Optional<Label> endEpoch(TrainingState next) {
    return turn.step(
        () -> {
          state.replaceBy(next);
          tell(true, true);
        });
  }

  private void advance(TrainingState of) {
    if (of.ledger().spans().isEmpty() || of.ledger().spans().getLast().view() != turn.view().id()) {
      of.enter(turn.view(), turn.restores());
    }
    of.apply(gradient, statistics, DenseNetSpec.BATCH_NORM_MOMENTUM);
  }

  /** Hashes and copies the state; no view can be promised meanwhile. */
  private void tell(boolean hash, boolean checkpoint) {
    digest = null;
    if (hash) {
      long begun = System.nanoTime();
      digest = state.digest();
      rhythm.took(millis(begun, System.nanoTime()), pace.means().step());
    }
    if (checkpoint) {
      listener.checkpoint(new Label(turn.view().id(), state.step()), state);
    }
  }

  /** The state after the step, while the state itself stays as it is. */
  private TrainingState stepped() {
    SequencedMap<String, float[]> arrays = new LinkedHashMap<>();
    state.arrays().forEach((name, values) -> arrays.put(name, values.clone()));
    try {
      TrainingState next = TrainingState.read(state.header(), arrays);
      advance(next);
      return next;
    } catch (IOException e) {
      throw new IllegalStateException("a state reads what it wrote", e);
    }
  }

  /** Ends the epoch of a state, or null if a later view was promised first. */
  private @Nullable Judgement judge(TrainingState next)
      throws TrainingException, RingException, InterruptedException {
    tools.device.load(next.learned(), next.statistics());
    Validation.Scores scores = tools.validation.judge(tools.device, turn);
    if (scores == null) {
      return null;
    }
    int epoch = next.epoch();
    boolean best = next.endEpoch(scores.aucMean(), scores.loss(), plan.onPlateau());
    return new Judgement(epoch, scores.aucMean(), scores.auc(), scores.loss(), best);
  }

  private static double millis(long fromNanos, long toNanos) {
    return (toNanos - fromNanos) / 1e6;
  }
}
