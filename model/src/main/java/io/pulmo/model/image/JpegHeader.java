package io.pulmo.model.image;

import java.util.List;

/**
 * What a JPEG file says of itself before its pixels.
 *
 * <p>Reading it walks through all segments and all scans, and checks lengths, sizes, sampling
 * factors, the order of progressive scans and that each scan has bits enough for its blocks: two
 * for each, one in a progressive file. Nothing is allocated for the pixels.
 *
 * @param width in pixels
 * @param height in pixels
 * @param kind how it is coded
 * @param colours what the components mean
 * @param components one or three
 * @param scans how many
 * @param end where the last scan ends
 */
record JpegHeader(
    int width,
    int height,
    Kind kind,
    Colours colours,
    List<Component> components,
    int scans,
    int end) {
  /** How the coefficients are coded. */
  enum Kind {
    SEQUENTIAL,
    PROGRESSIVE
  }

  /** What the components of a pixel mean. */
  enum Colours {
    GREY,
    YCBCR,
    RGB
  }

  /** A plane of samples; the largest factors of a file stand for the image's whole size. */
  record Component(int id, int across, int down) {}

  /** Widest sampling factor in use across. */
  int mostAcross() {
    return components.stream().mapToInt(Component::across).max().orElseThrow();
  }

  /** Widest sampling factor in use down. */
  int mostDown() {
    return components.stream().mapToInt(Component::down).max().orElseThrow();
  }

  /**
   * Bytes of memory that decoding takes at most: twice the data, the pixels, and all coefficients
   * where scans share them.
   */
  long decodingBytes() {
    long samples = (long) width * height * components.size();
    boolean shared = scans > 1 || kind == Kind.PROGRESSIVE;
    return 2L * end + (shared ? 3 : 1) * samples;
  }

  /** Reads the header of a file that starts as JPEG does. */
  static JpegHeader read(byte[] file, ImageLimits limits) throws UnreadableImageException {
    return new JpegWalk(file, limits).walk();
  }

  /** A refusal that says what is wrong. */
  static UnreadableImageException damaged(String how) {
    return new UnreadableImageException(
        "a damaged JPEG: " + how + "; expected a whole file: send it again or save it anew");
  }
}
