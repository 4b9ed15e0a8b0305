package io.pulmo.export;

import io.pulmo.model.image.ImageFile;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.image.UnreadableImageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * Crops of image files, decoded one file at a time as they are asked for.
 *
 * <p>Iterating throws {@link UncheckedIOException} with a message that names the file, if one
 * cannot be read or is no image.
 */
public final class CalibrationCrops implements Iterable<float[]> {
  private final ImagePipeline pipeline;
  private final List<Path> images;
  private final boolean all;

  private CalibrationCrops(ImagePipeline pipeline, List<Path> images, boolean all) {
    this.pipeline = pipeline;
    this.images = List.copyOf(images);
    this.all = all;
  }

  /**
   * One crop of each image: the first's first, the second's second, and after ten from the start.
   */
  public static CalibrationCrops oneOfEach(ImagePipeline pipeline, List<Path> images) {
    return new CalibrationCrops(pipeline, images, false);
  }

  /** All ten crops of each image, one image's after the other's. */
  public static CalibrationCrops tenOfEach(ImagePipeline pipeline, List<Path> images) {
    return new CalibrationCrops(pipeline, images, true);
  }

  /** So many of a list, evenly spaced over it, or all if it has no more. */
  public static List<Path> spread(List<Path> images, int most) {
    if (images.size() <= most) {
      return List.copyOf(images);
    }
    List<Path> chosen = new ArrayList<>();
    for (int i = 0; i < most; i++) {
      chosen.add(images.get((int) ((long) i * images.size() / most)));
    }
    return chosen;
  }

  @Override
  public Iterator<float[]> iterator() {
    int each = all ? Preprocessing.CROPS : 1;
    int size = pipeline.preprocessing().cropSize();
    return new Iterator<>() {
      private final float[] tenCrops = new float[Preprocessing.CROPS * size];
      private long next;

      @Override
      public boolean hasNext() {
        return next < (long) each * images.size();
      }

      @Override
      public float[] next() {
        if (!hasNext()) {
          throw new NoSuchElementException("no more crops");
        }
        int image = (int) (next / each);
        if (next % each == 0) {
          decode(images.get(image), tenCrops);
        }
        int crop = all ? (int) (next % each) : image % Preprocessing.CROPS;
        next++;
        return Arrays.copyOfRange(tenCrops, crop * size, (crop + 1) * size);
      }
    };
  }

  private void decode(Path image, float[] tenCrops) {
    try {
      pipeline.tenCrops(pipeline.resized(ImageFile.read(image)), tenCrops, 0);
    } catch (IOException | UnreadableImageException e) {
      throw new UncheckedIOException(new IOException(image + ": " + e.getMessage(), e));
    }
  }
}
