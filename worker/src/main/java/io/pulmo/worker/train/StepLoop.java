package io.pulmo.worker.train;

import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.worker.device.Batch;
import io.pulmo.worker.device.GradientDevice;
import io.pulmo.worker.ring.AllReduce;
import io.pulmo.worker.ring.RingException;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.ExecutorService;

/**
 * Training in step with the other members: each computes the gradient of its part of a global
 * batch, the ring adds, and all take the same step.
 */
public final class StepLoop {
  // What goes round the ring: the mean gradient and the batch statistics of n samples times n, the
  // mean loss times n, and n. Divided by the sum of n they are the means over the global batch; the
  // variance of a batch norm is then the mean of the members' own variances. A member without
  // samples adds zeros.

  private final TrainingPlan plan;
  private final TrainingState state;
  private final Samples samples;
  private final Sampler sampler;
  private final Validation validation;
  private final GradientDevice device;
  private final AllReduce ring;
  private final TrainingListener listener;
  private final ExecutorService decoders;

  private final float[] gradient;
  private final float[] statistics;
  private final float[] sums;
  private final Pace pace = new Pace();
  private long samplesComputed;
  private long stepsComputed;

  /**
   * A loop that goes on from the state's step.
   *
   * @param decoders threads that prepare images
   */
  public StepLoop(
      TrainingPlan plan,
      TrainingState state,
      Samples samples,
      Validation validation,
      GradientDevice device,
      AllReduce ring,
      TrainingListener listener,
      ExecutorService decoders) {
    this.plan = plan;
    this.state = state;
    this.samples = samples;
    this.sampler = new Sampler(samples.size(), plan.batch(), plan.seed());
    this.validation = validation;
    this.device = device;
    this.ring = ring;
    this.listener = listener;
    this.decoders = decoders;
    this.gradient = new float[state.learned().length];
    this.statistics = new float[state.statistics().length];
    this.sums = new float[gradient.length + statistics.length + 2];
  }

  /**
   * Trains to the last epoch's end.
   *
   * @throws TrainingException if an image or a number is bad
   * @throws IOException if a checkpoint cannot be written
   */
  public void run() throws TrainingException, RingException, IOException, InterruptedException {
    try (BatchLoader loader =
        new BatchLoader(
            samples,
            sampler,
            plan.shares(),
            ring.plan().rank(),
            state.step(),
            plan.epochs(),
            decoders)) {
      while (state.epoch() < plan.epochs()) {
        long epochEnd = (state.epoch() + 1L) * sampler.stepsPerEpoch();
        while (state.step() < epochEnd) {
          step(loader.next());
          if (state.step() % plan.checkpointEverySteps() == 0 && state.step() < epochEnd) {
            listener.checkpoint(state);
          }
        }
        endEpoch();
        listener.checkpoint(state);
      }
    }
  }

  private void step(Batch mine) throws TrainingException, RingException, InterruptedException {
    double loss = 0;
    if (mine.samples() > 0) {
      device.load(state.learned(), state.statistics());
      loss = device.backward(mine, gradient, statistics);
      samplesComputed += mine.samples();
      stepsComputed++;
    }
    gather(mine.samples(), loss);
    ring.allReduce(sums);
    double meanLoss = scatter();
    state.apply(gradient, statistics, DenseNetSpec.BATCH_NORM_MOMENTUM);
    int globalBatch = sampler.batchOf((int) ((state.step() - 1) % sampler.stepsPerEpoch())).size();
    listener.stepped(
        new StepReport(
            state.step(),
            (long) plan.epochs() * sampler.stepsPerEpoch(),
            state.epoch(),
            meanLoss,
            pace.after(globalBatch, System.nanoTime()),
            samplesComputed,
            stepsComputed));
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

  private void endEpoch() throws TrainingException, RingException, InterruptedException {
    device.load(state.learned(), state.statistics());
    Validation.Scores scores = validation.judge(device, ring, plan.shares());
    int epoch = state.epoch();
    boolean best = state.endEpoch(scores.aucMean(), scores.loss(), plan.onPlateau());
    pace.pause();
    listener.judged(new Judgement(epoch, scores.aucMean(), scores.auc(), scores.loss(), best));
  }

  /** Samples a second, smoothed over some twenty steps. */
  private static final class Pace {
    private static final double WEIGHT = 0.1;

    private long lastNanos;
    private boolean running;
    private double secondsPerSample;

    double after(int samples, long nowNanos) {
      if (running) {
        double now = (nowNanos - lastNanos) / 1e9 / samples;
        secondsPerSample =
            secondsPerSample == 0 ? now : secondsPerSample + WEIGHT * (now - secondsPerSample);
      }
      running = true;
      lastNanos = nowNanos;
      return secondsPerSample == 0 ? 0 : 1 / secondsPerSample;
    }

    void pause() {
      running = false;
    }
  }
}
