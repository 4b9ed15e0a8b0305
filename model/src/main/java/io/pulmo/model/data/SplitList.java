package io.pulmo.model.data;

import io.pulmo.model.Finding;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The images of one part of a split, to be written as a {@link LabelList}.
 *
 * @param fileName what the list is called
 * @param images one or more
 * @param targetImages how many there were to be
 */
public record SplitList(String fileName, List<NihImage> images, int targetImages) {
  /** Copies the images. */
  public SplitList {
    images = List.copyOf(images);
  }

  /** How many patients the images are of. */
  public int patients() {
    return (int) images.stream().mapToInt(NihImage::patient).distinct().count();
  }

  /** How many images have each finding, in the order of {@link Finding}. */
  public long[] positives() {
    long[] positives = new long[Finding.COUNT];
    images.forEach(image -> image.findings().forEach(finding -> positives[finding.ordinal()]++));
    return positives;
  }

  /** The label list. */
  byte[] bytes() {
    StringBuilder lines = new StringBuilder();
    for (NihImage image : images) {
      lines.append(image.name());
      for (Finding finding : Finding.ALL) {
        lines.append(image.findings().contains(finding) ? " 1" : " 0");
      }
      lines.append('\n');
    }
    return lines.toString().getBytes(StandardCharsets.US_ASCII);
  }
}
