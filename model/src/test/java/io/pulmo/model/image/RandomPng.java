package io.pulmo.model.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.Deflater;

/**
 * A valid PNG file drawn at random: what it shows, how its rows are filtered, how its data are
 * compressed and cut into chunks, and what else it carries.
 */
final class RandomPng {
  /** A way to store pixels. */
  record Kind(int bits, int colour, boolean interlaced) {
    int samples() {
      return switch (colour) {
        case 2 -> 3;
        case 4 -> 2;
        case 6 -> 4;
        default -> 1;
      };
    }
  }

  /** All that PNG knows. */
  static final List<Kind> KINDS = kinds();

  private static final int[][] PASSES = {
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
  };

  private final SplittableRandom random;
  private final Kind kind;
  private final int width;
  private final int height;
  private final int content;
  private final long[] seeds = new long[4];
  private final int colours;

  /** One of this kind and size. */
  RandomPng(SplittableRandom random, Kind kind, int width, int height) {
    this.random = random;
    this.kind = kind;
    this.width = width;
    this.height = height;
    this.content = random.nextInt(4);
    Arrays.setAll(seeds, i -> random.nextLong());
    int all = 1 << Math.min(8, kind.bits);
    this.colours = random.nextInt(3) == 0 ? 1 + random.nextInt(all) : all;
  }

  private static List<Kind> kinds() {
    int[][] depths = {{1, 2, 4, 8, 16}, {}, {8, 16}, {1, 2, 4, 8}, {8, 16}, {}, {8, 16}};
    List<Kind> kinds = new ArrayList<>();
    for (int colour = 0; colour < depths.length; colour++) {
      for (int bits : depths[colour]) {
        kinds.add(new Kind(bits, colour, false));
        kinds.add(new Kind(bits, colour, true));
      }
    }
    return List.copyOf(kinds);
  }

  /** The whole file. */
  byte[] file() {
    return file(deflated(rows()));
  }

  /** The file with these compressed data, in one chunk or several, some of them empty. */
  byte[] file(byte[] data) {
    TestPng png = TestPng.start(width, height, kind.bits, kind.colour, kind.interlaced);
    if (random.nextInt(4) == 0) {
      png.chunk("gAMA", new byte[] {0, 0, (byte) 0xB1, (byte) 0x8F});
      png.chunk("tEXt", "Title\0Thorax".getBytes(StandardCharsets.ISO_8859_1));
    }
    if (kind.colour == 3) {
      byte[] palette = new byte[3 * colours];
      new SplittableRandom(seeds[1]).nextBytes(palette);
      png.chunk("PLTE", palette);
    }
    if (kind.colour < 4 && random.nextInt(3) == 0) {
      int[] bytes = {2, 0, 6, 1 + random.nextInt(colours)};
      byte[] transparent = new byte[bytes[kind.colour]];
      for (int i = kind.colour == 3 ? 0 : 1;
          i < transparent.length;
          i += kind.colour == 3 ? 1 : 2) {
        transparent[i] = (byte) random.nextInt(1 << Math.min(8, kind.bits));
      }
      png.chunk("tRNS", transparent);
    }
    int at = 0;
    boolean whole = random.nextBoolean();
    while (at < data.length) {
      int length =
          whole ? data.length : Math.min(data.length - at, random.nextInt(1 + data.length));
      png.chunk("IDAT", Arrays.copyOfRange(data, at, at + length));
      at += length;
    }
    return png.end();
  }

  byte[] deflated(byte[] rows) {
    int[] levels = {0, 1, 1, 6};
    Deflater deflater = new Deflater(levels[random.nextInt(levels.length)]);
    try {
      deflater.setStrategy(
          random.nextInt(5) == 0 ? Deflater.HUFFMAN_ONLY : Deflater.DEFAULT_STRATEGY);
      deflater.setInput(rows);
      deflater.finish();
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      byte[] some = new byte[1 << 14];
      while (!deflater.finished()) {
        out.write(some, 0, deflater.deflate(some));
      }
      return out.toByteArray();
    } finally {
      deflater.end();
    }
  }

  /** The rows, or those of the seven passes, each after its filter. */
  byte[] rows() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int[][] passes = kind.interlaced ? PASSES : new int[][] {{0, 0, 1, 1}};
    for (int[] pass : passes) {
      int columns = Math.ceilDiv(width - pass[0], pass[2]);
      int rows = Math.ceilDiv(height - pass[1], pass[3]);
      if (columns < 1) {
        continue;
      }
      int bytes = Math.ceilDiv(columns * kind.samples() * kind.bits, 8);
      byte[] above = new byte[bytes];
      for (int row = 0; row < rows; row++) {
        byte[] plain = new byte[bytes];
        for (int column = 0; column < columns; column++) {
          for (int sample = 0; sample < kind.samples(); sample++) {
            int value = value(sample, pass[0] + column * pass[2], pass[1] + row * pass[3]);
            put(plain, column * kind.samples() + sample, value);
          }
        }
        out.writeBytes(filtered(plain, above));
        above = plain;
      }
    }
    return out.toByteArray();
  }

  private void put(byte[] row, int index, int value) {
    int bit = index * kind.bits;
    switch (kind.bits) {
      case 16 -> {
        row[bit / 8] = (byte) (value >> 8);
        row[bit / 8 + 1] = (byte) value;
      }
      default -> row[bit / 8] |= (byte) (value << (8 - kind.bits - bit % 8));
    }
  }

  /** Noise, a gradient, one value, or smooth shapes with edges and a little noise. */
  private int value(int sample, int x, int y) {
    long most = (1L << kind.bits) - 1;
    long noise = mix(seeds[sample] + x * 0x9E3779B97F4A7C15L + y * 0xC2B2AE3D27D4EB4FL);
    double at =
        switch (content) {
          case 0 -> noise / 65_536.0;
          case 1 -> ((double) x / width * (1 + sample) + (double) y / height) % 1.0;
          case 2 -> (seeds[sample] & 0xFFFF) / 65_536.0;
          default ->
              0.5
                  + 0.3 * Math.sin(x * 0.02 + sample) * Math.cos(y * 0.03)
                  + (x > width / 2 ? 0.12 : -0.12)
                  + noise / 65_536.0 * 0.05;
        };
    int value = (int) Math.max(0, Math.min(most, Math.round(at * most)));
    // An index beyond the palette is a mistake that files do contain.
    return kind.colour == 3 && seeds[0] % 4 != 0 ? value % colours : value;
  }

  private static long mix(long x) {
    long z = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return (z ^ (z >>> 31)) & 0xFFFF;
  }

  private byte[] filtered(byte[] row, byte[] above) {
    int filter = random.nextInt(5);
    int pixel = Math.max(1, kind.samples() * kind.bits / 8);
    byte[] out = new byte[row.length + 1];
    out[0] = (byte) filter;
    for (int i = 0; i < row.length; i++) {
      int left = i < pixel ? 0 : row[i - pixel] & 0xFF;
      int up = above[i] & 0xFF;
      int corner = i < pixel ? 0 : above[i - pixel] & 0xFF;
      int guess =
          switch (filter) {
            case 0 -> 0;
            case 1 -> left;
            case 2 -> up;
            case 3 -> (left + up) / 2;
            default -> nearest(left, up, corner);
          };
      out[i + 1] = (byte) (row[i] - guess);
    }
    return out;
  }

  private static int nearest(int left, int up, int corner) {
    int sum = left + up - corner;
    int toLeft = Math.abs(sum - left);
    int toUp = Math.abs(sum - up);
    int toCorner = Math.abs(sum - corner);
    return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
  }
}
