package io.pulmo.model.image;

/**
 * The way from an image file's bytes to its pixels: looks at the first bytes, checks the limits,
 * and has the format's decoder do the rest.
 *
 * <p>The pixels are those of Pillow's {@code convert("RGB")}; a grey file stays one channel. No
 * orientation that a camera noted is applied, as in Pillow.
 */
public final class ImageDecoder {
  private ImageDecoder() {}

  /** Decodes one file within {@link ImageLimits#DEFAULTS}. */
  public static Pixels decode(byte[] file) throws UnreadableImageException {
    return decode(file, ImageLimits.DEFAULTS);
  }

  /**
   * Decodes one file; it waits where others hold the memory that it needs.
   *
   * @param file the whole of it
   * @param limits on its size
   * @return the pixels; 1 channel where the file is grey, else 3
   * @throws UnreadableImageException if it is no image of a known format, is damaged, or is larger
   *     than the limits or the heap allow
   */
  public static Pixels decode(byte[] file, ImageLimits limits) throws UnreadableImageException {
    if (startsWith(file, 0, 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n')) {
      PngHeader png = PngHeader.read(file, limits);
      return DecodingMemory.decode(
          png.width(), png.height(), png.decodingBytes(), () -> PngDecoder.decode(file, png));
    }
    if (startsWith(file, 0, 0xFF, 0xD8, 0xFF)) {
      JpegHeader jpeg = JpegHeader.read(file, limits);
      return DecodingMemory.decode(
          jpeg.width(), jpeg.height(), jpeg.decodingBytes(), () -> JpegDecoder.decode(file, jpeg));
    }
    throw new UnreadableImageException(
        "found " + describe(file) + ", expected a PNG or JPEG image");
  }

  /** What the first bytes look like, for a message. */
  private static String describe(byte[] file) {
    if (file.length == 0) {
      return "an empty file";
    }
    if (startsWith(file, 128, 'D', 'I', 'C', 'M')) {
      return "a DICOM file";
    }
    if (startsWith(file, 0, 'G', 'I', 'F', '8')) {
      return "a GIF image";
    }
    if (startsWith(file, 0, 'B', 'M')) {
      return "a BMP image";
    }
    if (startsWith(file, 0, 'I', 'I', '*', 0) || startsWith(file, 0, 'M', 'M', 0, '*')) {
      return "a TIFF image";
    }
    if (startsWith(file, 0, 'R', 'I', 'F', 'F') && startsWith(file, 8, 'W', 'E', 'B', 'P')) {
      return "a WebP image";
    }
    if (startsWith(file, 0, '%', 'P', 'D', 'F')) {
      return "a PDF file";
    }
    if (startsWith(file, 0, 0x1F, 0x8B)) {
      return "a gzip archive";
    }
    if (startsWith(file, 0, 'P', 'K', 3, 4)) {
      return "a ZIP archive";
    }
    StringBuilder hex = new StringBuilder("a file that starts with bytes");
    for (int i = 0; i < Math.min(8, file.length); i++) {
      hex.append(String.format(" %02x", file[i]));
    }
    return hex.toString();
  }

  private static boolean startsWith(byte[] file, int at, int... bytes) {
    if (file.length < at + bytes.length) {
      return false;
    }
    for (int i = 0; i < bytes.length; i++) {
      if ((file[at + i] & 0xFF) != bytes[i]) {
        return false;
      }
    }
    return true;
  }
}
