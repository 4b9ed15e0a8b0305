package io.pulmo.model.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** An image file's bytes, as many as an image may have and no more. */
public final class ImageFile {
  private ImageFile() {}

  /**
   * Reads the whole file.
   *
   * @throws UnreadableImageException if it has more than {@link ImageLimits#MAX_FILE_BYTES}
   * @throws IOException if it cannot be read
   */
  public static byte[] read(Path file) throws IOException, UnreadableImageException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(ImageLimits.MAX_FILE_BYTES + 1);
      if (bytes.length > ImageLimits.MAX_FILE_BYTES) {
        throw new UnreadableImageException(
            "it has more than "
                + ImageLimits.MAX_FILE_BYTES
                + " bytes, the most that an image may have");
      }
      return bytes;
    }
  }
}
