package io.pulmo.worker.train;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Pixels;
import io.pulmo.model.image.UnreadableImageException;

/**
 * A worker's images by name: each is decoded and resized once, as long as there is room to keep it.
 * Safe for use by several threads.
 */
public final class ImageSource {
  private final String workerName;
  private final ImageBytes files;
  private final ImagePipeline pipeline;
  private final Cache<String, Pixels> resized;

  /**
   * Images.
   *
   * @param workerName for messages
   * @param cacheBytes of resized pixels that are kept
   */
  public ImageSource(String workerName, ImageBytes files, ImagePipeline pipeline, long cacheBytes) {
    this.workerName = workerName;
    this.files = files;
    this.pipeline = pipeline;
    this.resized =
        Caffeine.newBuilder()
            .maximumWeight(cacheBytes)
            .weigher((String name, Pixels pixels) -> pixels.values().length + 128)
            .build();
  }

  /** How images become crops. */
  public ImagePipeline pipeline() {
    return pipeline;
  }

  /**
   * An image, its shorter side resized.
   *
   * @throws TrainingException naming worker and image, if nobody has it or it is no image
   */
  Pixels resized(String name) throws TrainingException, InterruptedException {
    Pixels known = resized.getIfPresent(name);
    if (known != null) {
      return known;
    }
    byte[] file = files.read(name);
    try {
      Pixels pixels = pipeline.resized(file);
      resized.put(name, pixels);
      return pixels;
    } catch (UnreadableImageException e) {
      throw new TrainingException(
          "worker %s cannot use the image %s: %s".formatted(workerName, name, e.getMessage()), e);
    }
  }
}
