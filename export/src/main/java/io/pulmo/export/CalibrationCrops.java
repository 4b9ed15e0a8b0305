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
 * Crops of images, decoded one image at a time as they are asked for.
 *
 * <p>Iterating throws {@link UncheckedIOException} with a message that names the image, if one
 * cannot be read or is none.
 */
public final class CalibrationCrops implements Iterable<float[]> {
  private final ImagePipeline pipeline;
  private final List<String> images;
  private final Source source;
  private final boolean all;

  /** Where images come from. */
  @FunctionalInterface
  public interface Source {
    /** All bytes of the image of that name. */
    byte[] read(String name) throws IOException, UnreadableImageException;
  }

  private CalibrationCrops(
      ImagePipeline pipeline, List<String> images, Source source, boolean all) {
    this.pipeline = pipeline;
    this.images = List.copyOf(images);
    this.source = source;
    this.all = all;
  }

  private static CalibrationCrops ofFiles(ImagePipeline pipeline, List<Path> images, boolean all) {
    return new CalibrationCrops(
        pipeline,
        images.stream().map(Path::toString).toList(),
        name -> ImageFile.read(Path.of(name)),
        all);
  }

  /**
   * One crop of each image: the first's first, the second's second, and after ten from the start.
   */
  public static CalibrationCrops oneOfEach(ImagePipeline pipeline, List<Path> images) {
    return ofFiles(pipeline, images, false);
  }

  /** The same of images that are no files of this machine. */
  public static CalibrationCrops oneOfEach(
      ImagePipeline pipeline, List<String> images, Source source) {
    return new CalibrationCrops(pipeline, images, source, false);
  }

  /** All ten crops of each image, one image's after the other's. */
  public static CalibrationCrops tenOfEach(ImagePipeline pipeline, List<Path> images) {
    return ofFiles(pipeline, images, true);
  }

  /** So many of a list, evenly spaced over it, or all if it has no more. */
  public static <T> List<T> spread(List<T> images, int most) {
    if (images.size() <= most) {
      return List.copyOf(images);
    }
    List<T> chosen = new ArrayList<>();
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

  private void decode(String image, float[] tenCrops) {
    try {
      pipeline.tenCrops(pipeline.resized(source.read(image)), tenCrops, 0);
    } catch (IOException | UnreadableImageException e) {
      throw new UncheckedIOException(new IOException(image + ": " + e.getMessage(), e));
    }
  }
}
