package io.pulmo.model.image;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * A run of the image decoder over mutated files, in a process of its own with a small heap.
 *
 * <p>Arguments: how many, and the seed; file i is drawn from seed + i. It prints what came out, and
 * ends with 1 at the first outcome that is neither pixels nor a typed error, or that takes too
 * long; the file is then kept beside the other temporary files.
 */
final class ImageFuzz {
  /** Of the child. */
  static final String HEAP = "-Xmx96m";

  private static final long MOST_NANOS = 2_000_000_000;

  /** What half of such a heap can decode. */
  private static final ImageLimits LIMITS = new ImageLimits(4_096, 2_000_000, 20);

  private ImageFuzz() {}

  /** The child. */
  public static void main(String[] args) throws Exception {
    int count = Integer.parseInt(args[0]);
    long seed = Long.parseLong(args[1]);
    Map<String, int[]> outcomes = new TreeMap<>();
    long slowestNanos = 0;
    for (int i = 0; i < count; i++) {
      ImageMutation mutation = ImageMutation.draw(new SplittableRandom(seed + i));
      int[] outcome = outcomes.computeIfAbsent(mutation.format(), format -> new int[2]);
      long startedNanos = System.nanoTime();
      try {
        Pixels pixels = ImageDecoder.decode(mutation.file(), LIMITS);
        LIMITS.check(pixels.width(), pixels.height());
        outcome[0]++;
      } catch (UnreadableImageException e) {
        if (!String.valueOf(e.getMessage()).contains("expected")) {
          fail(i, seed, mutation, e);
        }
        outcome[1]++;
      } catch (RuntimeException | Error e) {
        fail(i, seed, mutation, e);
      }
      long nanos = System.nanoTime() - startedNanos;
      slowestNanos = Math.max(slowestNanos, nanos);
      if (nanos > MOST_NANOS) {
        fail(i, seed, mutation, new IllegalStateException("took " + nanos / 1e9 + " s"));
      }
    }
    System.out.println(
        count + " mutated images, seed " + seed + ", slowest " + slowestNanos / 1_000_000 + " ms");
    outcomes.forEach(
        (format, n) -> System.out.println(format + ": " + n[0] + " answers, " + n[1] + " errors"));
  }

  private static void fail(int i, long seed, ImageMutation mutation, Throwable e) throws Exception {
    Path kept = Files.createTempFile("pulmo-fuzz-", ".image");
    Files.write(kept, mutation.file());
    System.err.println(
        "image " + i + " of seed " + seed + ", a " + mutation.format() + ", kept as " + kept);
    e.printStackTrace();
    System.exit(1);
  }
}
