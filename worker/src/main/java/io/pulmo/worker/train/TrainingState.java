package io.pulmo.worker.train;

import io.pulmo.model.bundle.Sha256;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * All that training has come to: a function of the job and of how many steps were taken, equal bit
 * for bit on all members. One thread owns it.
 */
public final class TrainingState {
  private final float[] learned;
  private final float[] statistics;
  private final Optimizer optimizer;
  private long step;
  private int epoch;
  private double learningRate;
  private int bestEpoch = -1;
  private double bestAuc = Double.NaN;
  private double bestLoss = Double.POSITIVE_INFINITY;
  private double lowestLoss = Double.POSITIVE_INFINITY;
  private final float[] bestLearned;
  private final float[] bestStatistics;

  /**
   * The state before the first step.
   *
   * @param learned the weights; not copied
   * @param statistics the running statistics; not copied
   */
  public TrainingState(
      float[] learned, float[] statistics, Optimizer optimizer, double learningRate) {
    this.learned = learned;
    this.statistics = statistics;
    this.optimizer = optimizer;
    this.learningRate = learningRate;
    this.bestLearned = learned.clone();
    this.bestStatistics = statistics.clone();
  }

  /** The weights, not copied. */
  public float[] learned() {
    return learned;
  }

  /** The running statistics, not copied. */
  public float[] statistics() {
    return statistics;
  }

  /** The rule and its memory. */
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

  /** SHA-256 of all of it, hexadecimal. */
  public String digest() {
    MessageDigest sha256 = Sha256.newDigest();
    add(sha256, learned);
    add(sha256, statistics);
    optimizer
        .memory()
        .forEach(
            (name, values) -> {
              sha256.update(name.getBytes(StandardCharsets.UTF_8));
              add(sha256, values);
            });
    sha256.update(
        ByteBuffer.allocate(64)
            .putLong(optimizer.steps())
            .putLong(step)
            .putLong(epoch)
            .putDouble(learningRate)
            .putLong(bestEpoch)
            .putDouble(bestAuc)
            .putDouble(bestLoss)
            .putDouble(lowestLoss)
            .flip());
    add(sha256, bestLearned);
    add(sha256, bestStatistics);
    return HexFormat.of().formatHex(sha256.digest());
  }

  private static void add(MessageDigest digest, float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    int perBuffer = bytes.capacity() / Float.BYTES;
    for (int at = 0; at < values.length; at += perBuffer) {
      int count = Math.min(perBuffer, values.length - at);
      bytes.asFloatBuffer().put(values, at, count);
      digest.update(bytes.array(), 0, count * Float.BYTES);
    }
  }
}
