package io.pulmo.worker.train;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.pulmo.model.image.ImageFile;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Pixels;
import io.pulmo.model.image.UnreadableImageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * A worker's images by name: each is decoded and resized once, as long as there is room to keep it.
 * Safe for use by several threads.
 */
public final class ImageSource {
  private static final int NAMED_MISSING = 3;

  private final String workerName;
  private final Path folder;
  private final ImagePipeline pipeline;
  private final Cache<String, Pixels> resized;

  /**
   * The images of a folder.
   *
   * @param workerName for messages
   * @param cacheBytes of resized pixels that are kept
   */
  public ImageSource(String workerName, Path folder, ImagePipeline pipeline, long cacheBytes) {
    this.workerName = workerName;
    this.folder = folder;
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
   * Checks that there is a file for each name.
   *
   * @throws TrainingException naming the worker, how many are missing and the first few
   */
  public void requireAll(Collection<String> names) throws TrainingException, InterruptedException {
    List<Path> missing = new ArrayList<>();
    int count = 0;
    for (String name : names) {
      if (Thread.interrupted()) {
        throw new InterruptedException("interrupted while looking for images");
      }
      Path file = folder.resolve(name);
      if (!Files.isRegularFile(file)) {
        count++;
        if (missing.size() < NAMED_MISSING) {
          missing.add(file);
        }
      }
    }
    if (count > 0) {
      throw new TrainingException(
          "worker %s lacks %d of the %d images that the lists name: %s%s; put them there or start it with another --data"
              .formatted(
                  workerName,
                  count,
                  names.size(),
                  String.join(", ", missing.stream().map(Path::toString).toList()),
                  count > missing.size() ? ", ..." : ""));
    }
  }

  /**
   * An image, its shorter side resized.
   *
   * @throws TrainingException naming worker and file, if it is missing or no image
   */
  Pixels resized(String name) throws TrainingException {
    Pixels known = resized.getIfPresent(name);
    if (known != null) {
      return known;
    }
    Path file = folder.resolve(name);
    try {
      Pixels pixels = pipeline.resized(ImageFile.read(file));
      resized.put(name, pixels);
      return pixels;
    } catch (IOException e) {
      throw new TrainingException(
          "worker %s cannot read the image %s: %s".formatted(workerName, file, e), e);
    } catch (UnreadableImageException e) {
      throw new TrainingException(
          "worker %s cannot use the image %s: %s".formatted(workerName, file, e.getMessage()), e);
    }
  }
}
