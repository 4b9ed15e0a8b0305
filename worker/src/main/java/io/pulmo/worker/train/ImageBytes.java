package io.pulmo.worker.train;

/**
 * Where image files come from, by the names that lists give them. Safe for use by several threads.
 */
public interface ImageBytes {
  /**
   * All bytes of an image file.
   *
   * @throws TrainingException naming worker and image, if nobody gives it
   */
  byte[] read(String name) throws TrainingException, InterruptedException;
}
