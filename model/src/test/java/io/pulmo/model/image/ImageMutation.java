package io.pulmo.model.image;

import io.pulmo.model.image.RandomPng.Kind;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32;

/**
 * A valid image file of a kind drawn at random, made invalid: half of the time only within its
 * compressed data, its check sums mended.
 *
 * @param format what it was
 * @param file what it is now
 */
record ImageMutation(String format, byte[] file) {
  private static final int MOST_SIDE = 96;
  private static final int MOST_RATIO = 20;
  private static final int MOST_EDITS = 4;
  private static final int HEADER_BYTES = 13;

  static ImageMutation draw(SplittableRandom random) {
    int width = 1 + random.nextInt(random.nextInt(1, MOST_SIDE));
    int shortest = Math.ceilDiv(width, MOST_RATIO);
    int tallest = Math.min(MOST_SIDE, width * MOST_RATIO);
    int height = random.nextInt(shortest, tallest + 1);
    return random.nextBoolean() ? png(random, width, height) : jpeg(random, width, height);
  }

  private static ImageMutation png(SplittableRandom random, int width, int height) {
    Kind kind = RandomPng.KINDS.get(random.nextInt(RandomPng.KINDS.size()));
    RandomPng png = new RandomPng(random, kind, width, height);
    byte[] file =
        switch (random.nextInt(4)) {
          // Rows and filters that were never meant, well packed.
          case 0 -> png.file(png.deflated(edited(random, png.rows(), 0)));
          // Compressed data that are wrong, in chunks that are right.
          case 1 -> png.file(edited(random, png.deflated(png.rows()), 0));
          case 2 -> edited(random, png.file(), 0);
          default -> mended(random, png.file());
        };
    return new ImageMutation("PNG", file);
  }

  /** A wrong header, or a wrong byte in any chunk, under a right check sum. */
  private static byte[] mended(SplittableRandom random, byte[] png) {
    byte[] file = png.clone();
    int from = random.nextInt(3) == 0 ? PngHeader.FIRST_CHUNK + PngHeader.BEFORE_DATA : 0;
    int to = from == 0 ? file.length : from + HEADER_BYTES;
    for (int i = random.nextInt(1, MOST_EDITS); i > 0; i--) {
      file[random.nextInt(from, to)] = odd(random);
    }
    int at = PngHeader.FIRST_CHUNK;
    while (at + PngHeader.AROUND_DATA <= file.length) {
      int length = ByteBuffer.wrap(file).getInt(at);
      if (length < 0 || length > file.length - at - PngHeader.AROUND_DATA) {
        break;
      }
      CRC32 crc = new CRC32();
      crc.update(file, at + 4, 4 + length);
      ByteBuffer.wrap(file).putInt(at + PngHeader.BEFORE_DATA + length, (int) crc.getValue());
      at += PngHeader.AROUND_DATA + length;
    }
    return file;
  }

  private static ImageMutation jpeg(SplittableRandom random, int width, int height) {
    TestJpeg kind = TestJpeg.draw(random, width, height);
    if (random.nextInt(20) == 0) {
      kind = new TestJpeg(width, height, 4, 1, 1, kind.progressive(), kind.quality(), 0);
    }
    byte[] file = kind.file(random);
    int data = indexOf(file, 0xDA);
    return new ImageMutation(
        (kind.progressive() ? "progressive " : "")
            + (kind.components() == 4 ? "CMYK JPEG" : "JPEG"),
        edited(random, file, random.nextBoolean() ? data : 0));
  }

  /** Where the segment of a marker starts. */
  private static int indexOf(byte[] file, int marker) {
    int at = 0;
    while ((file[at] & 0xFF) != 0xFF || (file[at + 1] & 0xFF) != marker) {
      at++;
    }
    return at;
  }

  /** With some bytes from a place on changed, left out, put in, repeated, or cut off. */
  private static byte[] edited(SplittableRandom random, byte[] file, int from) {
    byte[] now = file.clone();
    for (int edits = random.nextInt(1, MOST_EDITS); edits > 0 && now.length > from; edits--) {
      int at = random.nextInt(from, now.length);
      int length = Math.min(now.length - at, 1 << random.nextInt(7));
      switch (random.nextInt(8)) {
        case 0, 1, 2 -> now[at] ^= (byte) (1 << random.nextInt(8));
        case 3, 4 -> now[at] = odd(random);
        case 5 -> now = spliced(now, at, at + length, new byte[0]);
        case 6 -> {
          byte[] more = Arrays.copyOfRange(now, at, at + length);
          if (random.nextBoolean()) {
            random.nextBytes(more);
          }
          now = spliced(now, at, at, more);
        }
        default -> now = random.nextInt(3) == 0 ? Arrays.copyOf(now, at) : now;
      }
    }
    return now;
  }

  private static byte odd(SplittableRandom random) {
    int[] odd = {0, 1, 0x7F, 0x80, 0xFE, 0xFF};
    return (byte) (random.nextBoolean() ? random.nextInt(256) : odd[random.nextInt(odd.length)]);
  }

  private static byte[] spliced(byte[] file, int from, int to, byte[] instead) {
    byte[] now = new byte[file.length - (to - from) + instead.length];
    System.arraycopy(file, 0, now, 0, from);
    System.arraycopy(instead, 0, now, from, instead.length);
    System.arraycopy(file, to, now, from + instead.length, file.length - to);
    return now;
  }
}
