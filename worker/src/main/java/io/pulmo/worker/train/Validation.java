package io.pulmo.worker.train;

import io.pulmo.model.Finding;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.metric.AucReport;
import io.pulmo.net.Loss;
import io.pulmo.worker.device.GradientDevice;
import io.pulmo.worker.ring.RingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/** The list by which epochs are judged. */
public final class Validation {
  // Each member judges its part of the list and adds it, among zeros, to the others': sums with
  // zero are exact, so all members hold the same logits and derive the same decisions from them.

  private static final int CHUNK = 16;

  private final LabelList labels;
  private final Samples samples;
  private final Loss loss;
  private final ExecutorService decoders;

  /**
   * Judges a list.
   *
   * @param samples of one crop each, in the list's order
   * @param loss as in training
   * @param decoders threads that prepare images
   */
  public Validation(LabelList labels, Samples samples, Loss loss, ExecutorService decoders) {
    if (samples.size() != labels.size() || samples.cropsPerSample() != 1) {
      throw new IllegalArgumentException(
          "%d samples of %d crops for a list of %d, expected one crop for each image"
              .formatted(samples.size(), samples.cropsPerSample(), labels.size()));
    }
    this.labels = labels;
    this.samples = samples;
    this.loss = loss;
    this.decoders = decoders;
  }

  /** What came out. */
  record Scores(double aucMean, List<Double> auc, double loss) {}

  /**
   * Judges the weights that the device holds, together with the other members; null if a later view
   * was promised first.
   */
  @Nullable Scores judge(GradientDevice device, Turn turn)
      throws TrainingException, RingException, InterruptedException {
    int size = samples.size();
    float[] logits = new float[Math.multiplyExact(size, Finding.COUNT)];
    Sampler.Range mine = Sampler.part(new Sampler.Range(0, size), turn.shares(), turn.rank());
    float[] crops = new float[Math.min(CHUNK, mine.size()) * samples.cropsSize()];
    for (int from = mine.from(); from < mine.to(); from += CHUNK) {
      int count = Math.min(CHUNK, mine.to() - from);
      if (!load(from, count, crops, turn)) {
        return null;
      }
      float[] some = device.logits(crops, count, samples.sidePixels());
      System.arraycopy(some, 0, logits, from * Finding.COUNT, count * Finding.COUNT);
    }
    turn.ring().allReduce(logits);
    return score(logits);
  }

  private boolean load(int from, int count, float[] crops, Turn turn)
      throws TrainingException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted in validation");
    }
    List<Callable<Boolean>> work = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int at = i;
      work.add(
          () -> {
            samples.crops(from + at, new Random(0), crops, at * samples.cropsSize());
            return true;
          });
    }
    return BatchLoader.runAll(decoders, work, turn::mayGoOn);
  }

  private Scores score(float[] logits) throws TrainingException {
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        throw new TrainingException(
            "the network answers %s to a validation image: training diverged; lower optimizer.learningRate"
                .formatted(logit));
      }
    }
    float[] expected = new float[logits.length];
    for (int i = 0; i < samples.size(); i++) {
      samples.labels(i, expected, i * Finding.COUNT);
    }
    double mean = loss.evaluate(logits, samples.size(), 1, expected, new float[logits.length]);
    // Logits sort as their probabilities do.
    AucReport report = AucReport.of(logits, labels);
    return new Scores(report.mean(), Arrays.stream(report.auc()).boxed().toList(), mean);
  }
}
