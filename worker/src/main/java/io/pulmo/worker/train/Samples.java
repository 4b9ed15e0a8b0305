package io.pulmo.worker.train;

import java.util.random.RandomGenerator;

/** Labelled images, ready to be cropped. Safe for use by several threads. */
public interface Samples {
  /** How many. */
  int size();

  /** Crops that each sample gives. */
  int cropsPerSample();

  /** Height and width of a crop. */
  int sidePixels();

  /** Writes fourteen labels of 0 or 1. */
  void labels(int sample, float[] into, int offset);

  /**
   * Writes the crops [cropsPerSample, 3, side, side].
   *
   * @param augmentation what chance decides about them
   */
  void crops(int sample, RandomGenerator augmentation, float[] into, int offset)
      throws TrainingException, InterruptedException;

  /** Floats of one sample's crops. */
  default int cropsSize() {
    return cropsPerSample() * 3 * sidePixels() * sidePixels();
  }
}
