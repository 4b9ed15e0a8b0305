package io.pulmo.worker.train;

import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.LedgerFile;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * All that training has come to: a function of the job and of the views that took its steps, equal
 * bit for bit on all members. One thread at a time has it.
 */
public final class TrainingState {
  /** The name of the weights. */
  public static final String LEARNED = "learned";

  /** The name of the running statistics. */
  public static final String STATISTICS = "statistics";

  private static final String OPTIMIZER = "optimizer.";

  /** The name of the best epoch's weights. */
  public static final String BEST_LEARNED = "best.learned";

  /** The name of the best epoch's running statistics. */
  public static final String BEST_STATISTICS = "best.statistics";

  private float[] learned;
  private float[] statistics;
  private Optimizer optimizer;
  private Ledger ledger;
  private long step;
  private int epoch;
  private double learningRate;
  private int bestEpoch = -1;
  private double bestAuc = Double.NaN;
  private double bestLoss = Double.POSITIVE_INFINITY;
  private double lowestLoss = Double.POSITIVE_INFINITY;
  private float[] bestLearned;
  private float[] bestStatistics;

  /**
   * The state before the first step.
   *
   * @param learned the weights; not copied
   * @param statistics the running statistics; not copied
   * @param ledger that of a training before its first view
   */
  public TrainingState(
      float[] learned,
      float[] statistics,
      Optimizer optimizer,
      double learningRate,
      Ledger ledger) {
    this(learned, statistics, optimizer, learningRate, ledger, learned.clone(), statistics.clone());
  }

  private TrainingState(
      float[] learned,
      float[] statistics,
      Optimizer optimizer,
      double learningRate,
      Ledger ledger,
      float[] bestLearned,
      float[] bestStatistics) {
    this.learned = learned;
    this.statistics = statistics;
    this.optimizer = optimizer;
    this.learningRate = learningRate;
    this.ledger = ledger;
    this.bestLearned = bestLearned;
    this.bestStatistics = bestStatistics;
  }

  /**
   * Puts a state together from what {@link #header} and {@link #arrays} gave.
   *
   * @param arrays by name, as the header names them; not copied
   * @throws IOException if the header cannot be read, or the arrays are not those that it names
   */
  public static TrainingState read(byte[] header, SequencedMap<String, float[]> arrays)
      throws IOException {
    StateHeader read = StateHeader.parse(header);
    SequencedMap<String, Integer> lengths = new LinkedHashMap<>();
    arrays.forEach((name, values) -> lengths.put(name, values.length));
    float[] learned = arrays.get(LEARNED);
    float[] statistics = arrays.get(STATISTICS);
    float[] bestLearned = arrays.get(BEST_LEARNED);
    float[] bestStatistics = arrays.get(BEST_STATISTICS);
    if (!lengths.equals(read.arrays())
        || learned == null
        || statistics == null
        || bestLearned == null
        || bestStatistics == null) {
      throw new IOException(
          "given the arrays %s, expected those that the header names: %s"
              .formatted(lengths, read.arrays()));
    }
    read.require(learned.length, statistics.length);
    SequencedMap<String, float[]> memory = new LinkedHashMap<>();
    arrays.forEach(
        (name, values) -> {
          if (name.startsWith(OPTIMIZER)) {
            memory.put(name.substring(OPTIMIZER.length()), values);
          }
        });
    TrainingState state =
        new TrainingState(
            learned,
            statistics,
            Optimizer.resume(read.optimizer(), memory, read.optimizerSteps()),
            read.learningRate(),
            read.ledger().ledger(),
            bestLearned,
            bestStatistics);
    state.step = read.ledger().steps();
    state.epoch = read.epoch();
    state.bestEpoch = read.bestEpoch();
    state.bestAuc = read.bestAuc();
    state.bestLoss = read.bestLoss();
    state.lowestLoss = read.lowestLoss();
    return state;
  }

  /** The lengths of the arrays of a state of such a network. */
  static SequencedMap<String, Integer> lengths(
      JobSpec.Optimizer.Kind optimizer, int learned, int statistics) {
    SequencedMap<String, Integer> lengths = new LinkedHashMap<>();
    lengths.put(LEARNED, learned);
    lengths.put(STATISTICS, statistics);
    for (String name : Optimizer.create(optimizer, 0).memory().keySet()) {
      lengths.put(OPTIMIZER + name, learned);
    }
    lengths.put(BEST_LEARNED, learned);
    lengths.put(BEST_STATISTICS, statistics);
    return lengths;
  }

  /** The arrays by name, always in one order. Not copied. */
  public SequencedMap<String, float[]> arrays() {
    SequencedMap<String, float[]> arrays = new LinkedHashMap<>();
    arrays.put(LEARNED, learned);
    arrays.put(STATISTICS, statistics);
    optimizer.memory().forEach((name, values) -> arrays.put(OPTIMIZER + name, values));
    arrays.put(BEST_LEARNED, bestLearned);
    arrays.put(BEST_STATISTICS, bestStatistics);
    return arrays;
  }

  /** Everything else, as JSON: {@link StateHeader} reads it. */
  public byte[] header() {
    SequencedMap<String, Integer> lengths = new LinkedHashMap<>();
    arrays().forEach((name, values) -> lengths.put(name, values.length));
    return new StateHeader(
            new LedgerFile(ledger, step),
            epoch,
            learningRate,
            optimizer.kind(),
            optimizer.steps(),
            bestEpoch,
            bestAuc,
            bestLoss,
            lowestLoss,
            lengths)
        .toJson();
  }

  /** SHA-256 of all of it, hexadecimal: of the header and of every value of the arrays. */
  public String digest() {
    return StateDigest.of(header(), arrays());
  }

  /**
   * The digest of a state whose bytes were copied.
   *
   * @param header what {@link #header} gave
   * @param arrays the bytes of each of {@link #arrays}, little-endian, in their order
   */
  public static String digest(byte[] header, List<ByteBuffer> arrays) {
    return StateDigest.ofBytes(header, arrays);
  }

  /** Becomes another state, whose arrays it takes over: the other must not be used any more. */
  public void replaceBy(TrainingState other) {
    learned = other.learned;
    statistics = other.statistics;
    optimizer = other.optimizer;
    ledger = other.ledger;
    step = other.step;
    epoch = other.epoch;
    learningRate = other.learningRate;
    bestEpoch = other.bestEpoch;
    bestAuc = other.bestAuc;
    bestLoss = other.bestLoss;
    lowestLoss = other.lowestLoss;
    bestLearned = other.bestLearned;
    bestStatistics = other.bestStatistics;
  }

  /**
   * Notes in the ledger that the steps from here on are those of a view.
   *
   * @param restores all restores of the job so far, as the leader has them
   */
  public void enter(View view, List<ViewJournal.Restore> restores) {
    enter(view.id(), view.leaderEpoch(), Ledger.parts(view), restores);
  }

  /** The same in its parts. */
  public void enter(
      long view, long leaderEpoch, List<Ledger.Part> parts, List<ViewJournal.Restore> restores) {
    ledger = ledger.enter(view, leaderEpoch, step, parts, restores);
  }

  /** Who computed the steps so far. */
  public Ledger ledger() {
    return ledger;
  }

  /** The weights, not copied; another array after {@link #replaceBy}. */
  public float[] learned() {
    return learned;
  }

  /** The running statistics, likewise. */
  public float[] statistics() {
    return statistics;
  }

  /** The rule and its memory, likewise. */
  public Optimizer optimizer() {
    return optimizer;
  }

  /** Steps taken since the job's start. */
  public long step() {
    return step;
  }

  /** Epochs finished. */
  public int epoch() {
    return epoch;
  }

  /** The rate of the next step. */
  public double learningRate() {
    return learningRate;
  }

  /** The epoch whose weights are the best, −1 before the first epoch's end. */
  public int bestEpoch() {
    return bestEpoch;
  }

  /** Epochs finished since the best one: what stopping early looks at. */
  public int epochsSinceBest() {
    return epoch - 1 - bestEpoch;
  }

  /** The best epoch's mean AUC; NaN if it has none. */
  public double bestAuc() {
    return bestAuc;
  }

  /** The best epoch's weights; those at the start before the first epoch's end. Not copied. */
  public float[] bestLearned() {
    return bestLearned;
  }

  /** The best epoch's running statistics, likewise. */
  public float[] bestStatistics() {
    return bestStatistics;
  }

  /**
   * Takes a step.
   *
   * @param momentum how far the running statistics move towards the batch's
   */
  public void apply(float[] gradient, float[] batchStatistics, float momentum) {
    optimizer.step(learned, gradient, learningRate);
    for (int i = 0; i < statistics.length; i++) {
      statistics[i] += momentum * (batchStatistics[i] - statistics[i]);
    }
    step++;
  }

  /**
   * Ends an epoch: keeps its weights if they are the best, by mean AUC or, where that is undefined,
   * by loss; shrinks the rate if the loss did not fall.
   *
   * @return whether this epoch is the best so far
   */
  boolean endEpoch(double aucMean, double loss, double onPlateau) {
    boolean best =
        Double.isNaN(aucMean)
            ? Double.isNaN(bestAuc) && loss < bestLoss
            : Double.isNaN(bestAuc) || aucMean > bestAuc;
    if (best) {
      bestEpoch = epoch;
      bestAuc = aucMean;
      bestLoss = loss;
      System.arraycopy(learned, 0, bestLearned, 0, learned.length);
      System.arraycopy(statistics, 0, bestStatistics, 0, statistics.length);
    }
    if (loss < lowestLoss) {
      lowestLoss = loss;
    } else {
      learningRate *= onPlateau;
    }
    epoch++;
    return best;
  }
}
