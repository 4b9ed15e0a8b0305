package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The JDK's reader says what is right. */
class InflateTest {
  @Property(tries = 1_000)
  void inflate_whatTheJdkDeflates_givesIt(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] content = content(random);
    byte[] stream = deflated(random, content);
    byte[] out = new byte[content.length + Inflate.SLACK_BYTES];
    assertTrue(inflate(stream, out, content.length), "seed " + seed);
    assertTrue(Arrays.equals(content, 0, content.length, out, 0, content.length), "seed " + seed);
  }

  @Property(tries = 3_000)
  void inflate_aDamagedStream_isSoundOnlyIfTheJdkThinksSo(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] content = content(random);
    byte[] stream = deflated(random, content);
    switch (random.nextInt(4)) {
      case 0 -> stream = Arrays.copyOf(stream, random.nextInt(stream.length));
      case 1 -> stream = Arrays.copyOf(stream, stream.length + 1 + random.nextInt(20));
      default -> {
        for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
          stream[random.nextInt(stream.length)] ^= (byte) (1 << random.nextInt(8));
        }
      }
    }
    int length = Math.max(0, content.length + (random.nextInt(8) == 0 ? 1 : 0));
    byte[] out = new byte[length + Inflate.SLACK_BYTES];
    byte[] expected = new byte[length];
    boolean sound = inflate(stream, out, length);
    // It may refuse what is odd and harmless, but never take what the JDK refuses.
    if (sound) {
      assertTrue(jdkInflates(stream, expected), "seed " + seed);
      assertTrue(Arrays.equals(expected, 0, length, out, 0, length), "seed " + seed);
    }
  }

  /**
   * Codes of up to 15 bits, through second tables: frequencies that fall like Fibonacci numbers.
   */
  @Test
  void inflate_codesOfFifteenBits_givesTheContent() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int[] counts = {1, 1};
    for (int value = 0; value < 22; value++) {
      for (int i = 0; i < counts[0]; i++) {
        bytes.write(value * 7);
      }
      counts = new int[] {counts[1], counts[0] + counts[1]};
    }
    byte[] content = bytes.toByteArray();
    SplittableRandom random = new SplittableRandom(5);
    for (int i = content.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      byte swapped = content[i];
      content[i] = content[j];
      content[j] = swapped;
    }
    byte[] stream = deflated(content, 9, Deflater.HUFFMAN_ONLY);
    byte[] out = new byte[content.length + Inflate.SLACK_BYTES];
    assertTrue(inflate(stream, out, content.length));
    assertTrue(Arrays.equals(content, 0, content.length, out, 0, content.length));
  }

  /** A block of stored bytes, its length cut, or larger than what is left on either side. */
  @Test
  void inflate_storedBlockThatLies_isNotSound() {
    byte[] content = {1, 2, 3, 4, 5};
    byte[] stream = deflated(content, 0, Deflater.DEFAULT_STRATEGY);
    byte[] out = new byte[5 + Inflate.SLACK_BYTES];
    assertTrue(inflate(stream, out, 5));
    for (int length : new int[] {4, 6, 0xFFFF}) {
      byte[] lying = stream.clone();
      lying[3] = (byte) length;
      lying[4] = (byte) (length >> 8);
      lying[5] = (byte) ~length;
      lying[6] = (byte) (~length >> 8);
      assertEquals(false, inflate(lying, out, 5), "length " + length);
    }
  }

  @Test
  void inflate_withoutSlack_isRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> Inflate.inflate(new byte[40], 20, new byte[100], 5));
    assertThrows(
        IllegalArgumentException.class, () -> Inflate.inflate(new byte[100], 5, new byte[40], 20));
  }

  private static boolean inflate(byte[] stream, byte[] out, int length) {
    byte[] in = Arrays.copyOf(stream, stream.length + Inflate.SLACK_BYTES);
    // Whatever lies behind the stream must not matter.
    Arrays.fill(in, stream.length, in.length, (byte) 0xA5);
    return Inflate.inflate(in, stream.length, out, length);
  }

  private static boolean jdkInflates(byte[] stream, byte[] to) {
    Inflater inflater = new Inflater();
    try {
      inflater.setInput(stream);
      int filled = 0;
      int more;
      do {
        more = inflater.inflate(to, filled, to.length - filled);
        filled += more;
      } while (more > 0);
      return filled == to.length
          && (inflater.finished() || inflater.inflate(new byte[1]) == 0)
          && inflater.finished()
          && inflater.getRemaining() == 0;
    } catch (DataFormatException e) {
      return false;
    } finally {
      inflater.end();
    }
  }

  /**
   * Runs, repeats at all distances, skewed and even noise, of up to 100 KB, often of a few bytes.
   */
  private static byte[] content(SplittableRandom random) {
    byte[] content = new byte[random.nextInt(1 << (1 + random.nextInt(17)))];
    int at = 0;
    while (at < content.length) {
      int end = Math.min(content.length, at + 1 + random.nextInt(1 << (1 + random.nextInt(12))));
      int kind = random.nextInt(4);
      int spread = 1 + random.nextInt(40);
      int distance = 1 + random.nextInt(1 << random.nextInt(16));
      byte same = (byte) random.nextInt();
      for (; at < end; at++) {
        content[at] =
            switch (kind) {
              case 0 -> same;
              case 1 -> at >= distance ? content[at - distance] : same;
              case 2 -> (byte) (random.nextGaussian() * spread);
              default -> (byte) random.nextInt();
            };
      }
    }
    return content;
  }

  private static byte[] deflated(SplittableRandom random, byte[] content) {
    int[] strategies = {Deflater.DEFAULT_STRATEGY, Deflater.FILTERED, Deflater.HUFFMAN_ONLY};
    return deflated(content, random.nextInt(10), strategies[random.nextInt(3)]);
  }

  private static byte[] deflated(byte[] content, int level, int strategy) {
    Deflater deflater = new Deflater(level);
    try {
      deflater.setStrategy(strategy);
      deflater.setInput(content);
      deflater.finish();
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      byte[] some = new byte[1 << 12];
      while (!deflater.finished()) {
        out.write(some, 0, deflater.deflate(some));
      }
      return out.toByteArray();
    } finally {
      deflater.end();
    }
  }
}
