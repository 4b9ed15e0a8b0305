package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.image.ImageLimits;
import picocli.CommandLine.Option;

/** The options of every command that reads images: how large one may be. */
final class ImageLimitOptions {
  @Option(
      names = "--max-image-pixels",
      paramLabel = "COUNT",
      description = "width × height of the largest image that is read (default: ${DEFAULT-VALUE})")
  private long pixels = ImageLimits.DEFAULTS.maxPixels();

  @Option(
      names = "--max-image-side",
      paramLabel = "PIXELS",
      description = "the longest side of an image that is read (default: ${DEFAULT-VALUE})")
  private int side = ImageLimits.DEFAULTS.maxSidePixels();

  ImageLimits limits() {
    return CommandFailure.option(
        "--max-image-pixels, --max-image-side",
        () -> new ImageLimits(side, pixels, ImageLimits.DEFAULTS.maxRatio()));
  }
}
