package io.pulmo.model.image;

/**
 * A decoded image of 8 bits a channel.
 *
 * @param width in pixels
 * @param height in pixels
 * @param channels 1 for grey, 3 for red, green and blue
 * @param values height × width × channels, rows from the top, channels interleaved; not copied
 */
public record Pixels(int width, int height, int channels, byte[] values) {
  /** Checks that the sizes agree. */
  public Pixels {
    if (width < 1 || height < 1 || (channels != 1 && channels != 3)) {
      throw new IllegalArgumentException(
          "an image of "
              + width
              + " × "
              + height
              + " pixels and "
              + channels
              + " channels, expected at least one pixel and 1 or 3 channels");
    }
    if (values.length != (long) width * height * channels) {
      throw new IllegalArgumentException(
          values.length
              + " values for "
              + width
              + " × "
              + height
              + " pixels and "
              + channels
              + " channels, expected "
              + (long) width * height * channels);
    }
  }
}
