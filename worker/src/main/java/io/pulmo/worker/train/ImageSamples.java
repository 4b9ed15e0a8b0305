package io.pulmo.worker.train;

import io.pulmo.model.data.LabelList;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Pixels;
import io.pulmo.model.image.Preprocessing;
import java.util.random.RandomGenerator;

/** The images of a label list. */
public record ImageSamples(LabelList labels, ImageSource images, Cropping cropping)
    implements Samples {
  /** Which crops an image gives. */
  public enum Cropping {
    /** One from anywhere, mirrored one time in two. */
    RANDOM,
    /** The ten of torchvision's TenCrop. */
    TEN,
    /** The one in the middle. */
    CENTRE
  }

  @Override
  public int size() {
    return labels.size();
  }

  @Override
  public int cropsPerSample() {
    return cropping == Cropping.TEN ? Preprocessing.CROPS : 1;
  }

  @Override
  public int sidePixels() {
    return images.pipeline().preprocessing().cropPixels();
  }

  @Override
  public void labels(int sample, float[] into, int offset) {
    labels.labels(sample, into, offset);
  }

  @Override
  public void crops(int sample, RandomGenerator augmentation, float[] into, int offset)
      throws TrainingException, InterruptedException {
    ImagePipeline pipeline = images.pipeline();
    Pixels resized = images.resized(labels.name(sample));
    switch (cropping) {
      case RANDOM -> pipeline.randomCrop(resized, augmentation, into, offset);
      case TEN -> pipeline.tenCrops(resized, into, offset);
      case CENTRE -> pipeline.centreCrop(resized, into, offset);
    }
  }
}
