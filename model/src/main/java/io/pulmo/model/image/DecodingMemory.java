package io.pulmo.model.image;

import java.util.concurrent.Semaphore;

/**
 * The heap that decoders hold together: half of it at most.
 *
 * <p>A file may name a size that takes a gigabyte to decode, be damaged, and come many times at
 * once. Each decoder takes its share before it allocates and waits for it, in order of arrival.
 */
final class DecodingMemory {
  /** Half of the heap. */
  private static final int MOST_KIBIBYTES =
      (int) Math.min(Integer.MAX_VALUE, Runtime.getRuntime().maxMemory() >> 11);

  private static final Semaphore FREE = new Semaphore(MOST_KIBIBYTES, true);

  private DecodingMemory() {}

  /** What decodes one file. */
  interface Decoder {
    Pixels decode() throws UnreadableImageException;
  }

  /**
   * Decodes when there is memory for it.
   *
   * @param bytes that it takes at most
   * @throws UnreadableImageException also if there never will be
   */
  static Pixels decode(int width, int height, long bytes, Decoder decoder)
      throws UnreadableImageException {
    long kibibytes = (bytes >> 10) + 1;
    if (kibibytes > MOST_KIBIBYTES) {
      throw new UnreadableImageException(
          "an image of %d × %d pixels, which takes %d MiB to decode; expected at most %d, half of this process's heap: make the image smaller, or the heap larger"
              .formatted(width, height, (kibibytes >> 10) + 1, MOST_KIBIBYTES >> 10));
    }
    FREE.acquireUninterruptibly((int) kibibytes);
    try {
      return decoder.decode();
    } finally {
      FREE.release((int) kibibytes);
    }
  }
}
