package io.pulmo.model.data;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What somebody holds of the images that a job's lists name: for each, in the order of {@link
 * #names}, its size and SHA-256, or that it is missing. Immutable.
 *
 * <p>Encoded it is one entry an image: the size as 4 bytes, big-endian, -1 where the image is
 * missing; then the SHA-256's bytes, all 32 of them or, in a short manifest, the first 8.
 */
public final class ImageManifest {
  /** The most images that a job's lists may name: their short manifest fits into one message. */
  public static final int MOST_IMAGES = 300_000;

  private static final int SIZE_BYTES = 4;
  private static final int DIGEST_BYTES = 32;

  // Told to the leader by each member. 64 bits tell unlike files apart well enough where nobody
  // means to deceive; what is pulled from a peer is checked by all 256.
  private static final int SHORT_DIGEST_BYTES = 8;
  private static final int MISSING = -1;

  private final int digestBytes;
  private final byte[] entries;

  private ImageManifest(int digestBytes, byte[] entries) {
    this.digestBytes = digestBytes;
    this.entries = entries;
  }

  /**
   * The images of some lists: each once, in the order in which they first come.
   *
   * @throws IllegalArgumentException if they are more than {@link #MOST_IMAGES}
   */
  public static List<String> names(LabelList... lists) {
    Set<String> names = new LinkedHashSet<>();
    for (LabelList list : lists) {
      for (int i = 0; i < list.size(); i++) {
        names.add(list.name(i));
      }
    }
    if (names.size() > MOST_IMAGES) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the job's lists name %,d images, expected at most %,d: shorten them",
              names.size(),
              MOST_IMAGES));
    }
    return List.copyOf(names);
  }

  /** A manifest in the making. Entries of different images may be put by different threads. */
  public static final class Draft {
    private final byte[] entries;

    /** Of so many images, all missing. */
    public Draft(int images) {
      entries = new byte[Math.multiplyExact(images, SIZE_BYTES + DIGEST_BYTES)];
      for (int i = 0; i < images; i++) {
        Arrays.fill(entries, start(i), start(i) + SIZE_BYTES, (byte) MISSING);
      }
    }

    private static int start(int image) {
      return image * (SIZE_BYTES + DIGEST_BYTES);
    }

    /** An image that is held. */
    public void put(int image, int bytes, byte[] sha256) {
      if (bytes < 0 || sha256.length != DIGEST_BYTES) {
        throw new IllegalArgumentException(
            "an image of %d bytes and a digest of %d, expected 0 or more and %d"
                .formatted(bytes, sha256.length, DIGEST_BYTES));
      }
      int at = start(image);
      for (int i = 0; i < SIZE_BYTES; i++) {
        entries[at + i] = (byte) (bytes >>> (8 * (SIZE_BYTES - 1 - i)));
      }
      System.arraycopy(sha256, 0, entries, at + SIZE_BYTES, DIGEST_BYTES);
    }

    /** The manifest; the draft is done with. */
    public ImageManifest finish() {
      return new ImageManifest(DIGEST_BYTES, entries);
    }
  }

  /**
   * A manifest as {@link #encoded} gives it.
   *
   * @param images how many the lists name
   * @throws IllegalArgumentException if the bytes are too few or too many for them, or a size is
   *     below -1
   */
  public static ImageManifest decode(byte[] encoded, int images) {
    return decode(encoded, images, DIGEST_BYTES);
  }

  /**
   * A short manifest as {@link #encoded} gives it.
   *
   * @param images how many the lists name
   * @throws IllegalArgumentException as for {@link #decode}
   */
  public static ImageManifest decodeShort(byte[] encoded, int images) {
    return decode(encoded, images, SHORT_DIGEST_BYTES);
  }

  private static ImageManifest decode(byte[] encoded, int images, int digestBytes) {
    long expected = (long) images * (SIZE_BYTES + digestBytes);
    if (encoded.length != expected) {
      throw new IllegalArgumentException(
          "a manifest of %d bytes, expected %d for %d images"
              .formatted(encoded.length, expected, images));
    }
    ImageManifest manifest = new ImageManifest(digestBytes, encoded);
    for (int i = 0; i < images; i++) {
      if (manifest.bytes(i) < MISSING) {
        throw new IllegalArgumentException(
            "the manifest's size of image %d is %d, expected -1 or more"
                .formatted(i, manifest.bytes(i)));
      }
    }
    return manifest;
  }

  /** Bytes of a manifest that names all of a SHA-256. */
  public static int encodedBytes(int images) {
    return Math.multiplyExact(images, SIZE_BYTES + DIGEST_BYTES);
  }

  /** The entries; not copied, so leave them as they are. */
  public byte[] encoded() {
    return entries;
  }

  /** The same with the first 8 bytes of each digest. */
  public ImageManifest shortened() {
    int images = images();
    int from = SIZE_BYTES + digestBytes;
    int to = SIZE_BYTES + SHORT_DIGEST_BYTES;
    byte[] shorter = new byte[images * to];
    for (int i = 0; i < images; i++) {
      System.arraycopy(entries, i * from, shorter, i * to, to);
    }
    return new ImageManifest(SHORT_DIGEST_BYTES, shorter);
  }

  /** How many the lists name. */
  public int images() {
    return entries.length / (SIZE_BYTES + digestBytes);
  }

  /** Whether an image is held. */
  public boolean holds(int image) {
    return bytes(image) != MISSING;
  }

  /** How many images are missing. */
  public int missing() {
    int missing = 0;
    for (int i = 0; i < images(); i++) {
      missing += holds(i) ? 0 : 1;
    }
    return missing;
  }

  /** Size of an image, -1 if it is missing. */
  public int bytes(int image) {
    int at = image * (SIZE_BYTES + digestBytes);
    int bytes = 0;
    for (int i = 0; i < SIZE_BYTES; i++) {
      bytes = (bytes << 8) | (entries[at + i] & 0xFF);
    }
    return bytes;
  }

  /** SHA-256 of an image that is held, hexadecimal; its beginning in a short manifest. */
  public String sha256(int image) {
    int at = image * (SIZE_BYTES + digestBytes) + SIZE_BYTES;
    return HexFormat.of().formatHex(entries, at, at + digestBytes);
  }

  /** The first image that both hold, but not the same bytes. */
  public Optional<Integer> firstDifference(ImageManifest other) {
    int images = images();
    if (other.images() != images) {
      throw new IllegalArgumentException(
          "manifests of %d and %d images, expected those of one job"
              .formatted(images, other.images()));
    }
    for (int i = 0; i < images; i++) {
      if (differs(i, other)) {
        return Optional.of(i);
      }
    }
    return Optional.empty();
  }

  /** How many images both hold, but not the same bytes. */
  public int differences(ImageManifest other) {
    int differences = 0;
    for (int i = 0; i < images(); i++) {
      differences += differs(i, other) ? 1 : 0;
    }
    return differences;
  }

  private boolean differs(int image, ImageManifest other) {
    if (!holds(image) || !other.holds(image)) {
      return false;
    }
    int compared = SIZE_BYTES + Math.min(digestBytes, other.digestBytes);
    int here = image * (SIZE_BYTES + digestBytes);
    int there = image * (SIZE_BYTES + other.digestBytes);
    return !Arrays.equals(entries, here, here + compared, other.entries, there, there + compared);
  }

  /** Size and SHA-256 of an image that is held, for people. */
  public String describe(int image) {
    return String.format(
        Locale.ROOT,
        "%,d bytes, SHA-256 %s%s",
        bytes(image),
        sha256(image),
        digestBytes < DIGEST_BYTES ? "..." : "");
  }
}
