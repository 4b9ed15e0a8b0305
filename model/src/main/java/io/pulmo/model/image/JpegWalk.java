package io.pulmo.model.image;

import io.pulmo.model.image.JpegHeader.Colours;
import io.pulmo.model.image.JpegHeader.Component;
import io.pulmo.model.image.JpegHeader.Kind;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One walk through a JPEG file, segment by segment, that checks what it passes. */
final class JpegWalk {
  static final int SOI = 0xD8;
  static final int EOI = 0xD9;
  private static final int SOS = 0xDA;
  private static final int DQT = 0xDB;
  private static final int DHT = 0xC4;
  private static final int DRI = 0xDD;
  private static final int APP0 = 0xE0;
  private static final int APP14 = 0xEE;
  private static final int APP15 = 0xEF;
  private static final int COM = 0xFE;

  /** Encoders write about ten; each costs a pass over the image, however few its bytes. */
  private static final int MOST_SCANS = 100;

  /**
   * Blocks of 8 × 8 samples in all scans together, at ten million a second: what the usual scans of
   * 70 million pixels in full colour have. A scan of a few bytes may pass over all blocks.
   */
  private static final long MOST_BLOCKS = 18_000_000;

  private static final int COEFFICIENTS = 64;
  private static final int NEVER_SENT = -1;
  private static final int MOST_LOW_BIT = 13;

  private final byte[] file;
  private final ImageLimits limits;
  private int at;

  private @Nullable Kind kind;
  private int width;
  private int height;
  private List<Component> components = List.of();
  private boolean jfif;
  private int adobeTransform = -1;
  private int scans;
  private long blocksInAll;
  private int end;

  /** For each component, the lowest bit of each coefficient that was sent. */
  private int[][] sent = {};

  JpegWalk(byte[] file, ImageLimits limits) {
    this.file = file;
    this.limits = limits;
  }

  /** Walks to the end of the image. */
  JpegHeader walk() throws UnreadableImageException {
    at = 2;
    int start;
    int marker;
    do {
      start = at;
      marker = marker();
      segment(marker, start);
    } while (marker != EOI);
    Kind known = kind;
    if (known == null || scans == 0) {
      throw JpegHeader.damaged("it has no pixels");
    }
    for (int[] component : sent) {
      for (int bit : component) {
        if (bit != 0) {
          throw JpegHeader.damaged(
              "it ends after %d scans, and they leave out part of the %d × %d pixels"
                  .formatted(scans, width, height));
        }
      }
    }
    return new JpegHeader(width, height, known, colours(), components, scans, end);
  }

  /** The next marker, after any number of fill bytes. */
  private int marker() throws UnreadableImageException {
    int from = at;
    if (at >= file.length || unsigned(at) != 0xFF) {
      throw JpegHeader.damaged(
          at >= file.length ? "it ends at byte " + at : "it has no marker at byte " + at);
    }
    while (at < file.length && unsigned(at) == 0xFF) {
      at++;
    }
    if (at == file.length) {
      throw JpegHeader.damaged("it ends within the marker at byte " + from);
    }
    return unsigned(at++);
  }

  private void segment(int marker, int start) throws UnreadableImageException {
    if (marker == EOI) {
      return;
    }
    refuseOtherKinds(marker, start);
    int length = at + 2 > file.length ? 0 : twoBytes(at);
    if (length < 2 || length > file.length - at) {
      throw JpegHeader.damaged("it ends within the segment at byte " + start);
    }
    int from = at + 2;
    at += length;
    switch (marker) {
      case 0xC0, 0xC1, 0xC2 -> frame(marker, from, length - 2);
      case SOS -> scan(from, length - 2, start);
      case APP0 -> jfif |= length >= 16 && startsWith(from, "JFIF\0");
      case APP14 -> {
        if (length >= 14 && startsWith(from, "Adobe")) {
          adobeTransform = unsigned(from + 11);
        }
      }
      default -> {
        // Tables are checked by what decodes by them.
      }
    }
  }

  private static void refuseOtherKinds(int marker, int start) throws UnreadableImageException {
    String reason =
        switch (marker) {
          case 0xC3, 0xC7, 0xCB, 0xCF -> "a lossless JPEG";
          case 0xC5, 0xC6, 0xCD, 0xCE, 0xDE, 0xDF -> "a hierarchical JPEG";
          case 0xC9, 0xCA, 0xCC -> "a JPEG in arithmetic coding";
          default -> "";
        };
    if (!reason.isEmpty()) {
      throw unsupported(reason);
    }
    boolean known =
        (marker >= 0xC0 && marker <= 0xC2)
            || marker == DHT
            || (marker >= SOS && marker <= DQT)
            || marker == DRI
            || (marker >= APP0 && marker <= APP15)
            || marker == COM;
    if (!known) {
      throw JpegHeader.damaged(
          "it has the marker %02x at byte %d, where none or another belongs"
              .formatted(marker, start));
    }
  }

  private static UnreadableImageException unsupported(String what) {
    return new UnreadableImageException(
        what
            + "; expected a baseline or progressive JPEG of 8 bits, grey or in three colours: save it as one, or as PNG");
  }

  private void frame(int marker, int from, int length) throws UnreadableImageException {
    if (kind != null) {
      throw JpegHeader.damaged("it has a second frame header at byte " + from);
    }
    int count = length < 6 ? 0 : unsigned(from + 5);
    if (length < 6 || length != 6 + 3 * count) {
      throw JpegHeader.damaged(
          "its frame header at byte %d has %d bytes for %d components"
              .formatted(from, length, count));
    }
    int bits = unsigned(from);
    if (bits != 8) {
      throw unsupported("a JPEG of " + bits + " bits a sample");
    }
    if (count == 4) {
      throw unsupported("a JPEG in the four inks of print, CMYK or YCCK");
    }
    if (count != 1 && count != 3) {
      throw unsupported("a JPEG of " + count + " components");
    }
    height = twoBytes(from + 1);
    width = twoBytes(from + 3);
    if (width == 0 || height == 0) {
      throw JpegHeader.damaged("its size is " + width + " × " + height);
    }
    limits.check(width, height);
    List<Component> read = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int id = unsigned(from + 6 + 3 * i);
      int across = unsigned(from + 7 + 3 * i) >> 4;
      int down = unsigned(from + 7 + 3 * i) & 15;
      if (across < 1 || across > 4 || down < 1 || down > 4) {
        throw JpegHeader.damaged(
            "its component %d is sampled %d × %d, not 1 to 4 each way".formatted(id, across, down));
      }
      if (read.stream().anyMatch(other -> other.id() == id)) {
        throw JpegHeader.damaged("two of its components are called " + id);
      }
      read.add(new Component(id, across, down));
    }
    kind = marker == 0xC2 ? Kind.PROGRESSIVE : Kind.SEQUENTIAL;
    components = List.copyOf(read);
    sent = new int[count][COEFFICIENTS];
    for (int[] component : sent) {
      Arrays.fill(component, NEVER_SENT);
    }
  }

  private void scan(int from, int length, int start) throws UnreadableImageException {
    int count = length < 1 ? 0 : unsigned(from);
    if (kind == null || count < 1 || count > components.size() || length != 4 + 2 * count) {
      throw JpegHeader.damaged("its scan header at byte " + start + " is wrong");
    }
    if (++scans > MOST_SCANS) {
      throw JpegHeader.damaged("it has over " + MOST_SCANS + " scans");
    }
    int first = unsigned(from + 1 + 2 * count);
    int last = unsigned(from + 2 + 2 * count);
    int high = unsigned(from + 3 + 2 * count) >> 4;
    int low = unsigned(from + 3 + 2 * count) & 15;
    if (kind == Kind.SEQUENTIAL) {
      // Such a scan holds all of its components, and some encoders write other numbers here.
      first = 0;
      last = COEFFICIENTS - 1;
      high = 0;
      low = 0;
    } else if (last >= COEFFICIENTS
        || first > last
        || (first == 0 ? last != 0 : count != 1)
        || low > MOST_LOW_BIT
        || (high != 0 && high != low + 1)) {
      throw JpegHeader.damaged(
          "its scan at byte %d sends coefficients %d to %d of %d components from bit %d after %d"
              .formatted(start, first, last, count, low, high));
    }
    long blocks = 0;
    for (int i = 0; i < count; i++) {
      int component = component(unsigned(from + 1 + 2 * i), start);
      blocks += blocks(components.get(component));
      int before = high == 0 ? NEVER_SENT : high;
      for (int coefficient = first; coefficient <= last; coefficient++) {
        if (sent[component][coefficient] != before || (first > 0 && sent[component][0] < 0)) {
          throw JpegHeader.damaged(
              "its scan at byte %d sends coefficient %d of component %d out of order"
                  .formatted(start, coefficient, component + 1));
        }
        sent[component][coefficient] = low;
      }
    }
    blocksInAll += blocks;
    if (blocksInAll > MOST_BLOCKS) {
      throw JpegHeader.damaged(
          "its first %d scans pass over more than %d blocks".formatted(scans, MOST_BLOCKS));
    }
    int data = at;
    skipData();
    end = at;
    long least = first > 0 ? 0 : blocks * (kind == Kind.SEQUENTIAL ? 2 : 1);
    if (least > 8L * (at - data)) {
      throw JpegHeader.damaged(
          "%d bytes in its scan at byte %d cannot hold the %d × %d pixels that its header names"
              .formatted(at - data, start, width, height));
    }
  }

  private int component(int id, int start) throws UnreadableImageException {
    for (int i = 0; i < components.size(); i++) {
      if (components.get(i).id() == id) {
        return i;
      }
    }
    throw JpegHeader.damaged(
        "its scan at byte %d is of component %d, which it does not have".formatted(start, id));
  }

  private long blocks(Component component) {
    int mostAcross = components.stream().mapToInt(Component::across).max().orElseThrow();
    int mostDown = components.stream().mapToInt(Component::down).max().orElseThrow();
    return (long) Math.ceilDiv(width * component.across(), 8 * mostAcross)
        * Math.ceilDiv(height * component.down(), 8 * mostDown);
  }

  /** Moves on to the marker after a scan; within it are bytes FF of data, and restarts. */
  private void skipData() {
    while (at < file.length) {
      if (unsigned(at) == 0xFF && at + 1 < file.length) {
        int next = unsigned(at + 1);
        if (next != 0 && (next < 0xD0 || next > 0xD7)) {
          return;
        }
        at++;
      }
      at++;
    }
  }

  /** As libjpeg guesses it, which is what all the world's files have been made for. */
  private Colours colours() {
    if (components.size() == 1) {
      return Colours.GREY;
    }
    if (jfif) {
      return Colours.YCBCR;
    }
    if (adobeTransform >= 0) {
      return adobeTransform == 0 ? Colours.RGB : Colours.YCBCR;
    }
    boolean named =
        components.get(0).id() == 'R'
            && components.get(1).id() == 'G'
            && components.get(2).id() == 'B';
    return named ? Colours.RGB : Colours.YCBCR;
  }

  /**
   * The segments that make the pixels, and an end mark: no profile, note or text. Only for a file
   * that was walked through without a refusal.
   */
  static byte[] needed(byte[] file, JpegHeader header) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(header.end() + 2);
    out.write(file, 0, 2);
    int at = 2;
    while (at < header.end()) {
      int from = at;
      while ((file[at] & 0xFF) == 0xFF) {
        at++;
      }
      int marker = file[at++] & 0xFF;
      at += (file[at] & 0xFF) << 8 | (file[at + 1] & 0xFF);
      if (marker == SOS) {
        JpegWalk data = new JpegWalk(file, ImageLimits.DEFAULTS);
        data.at = at;
        data.skipData();
        at = data.at;
      }
      if (marker < APP0) {
        out.write(file, from, at - from);
      }
    }
    out.write(0xFF);
    out.write(EOI);
    return out.toByteArray();
  }

  private boolean startsWith(int from, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (unsigned(from + i) != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private int twoBytes(int from) {
    return unsigned(from) << 8 | unsigned(from + 1);
  }

  private int unsigned(int from) {
    return file[from] & 0xFF;
  }
}
