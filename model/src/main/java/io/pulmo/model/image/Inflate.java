package io.pulmo.model.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.Adler32;

/**
 * A reader of zlib streams (RFC 1950 and 1951) that lie in memory and whose content has a known
 * length: the rows of a PNG file.
 *
 * <p>Filtered radiographs are nearly all literals of three to five bits, with few repeats. So one
 * look-up gives up to three literals, where the JDK's reader gives one. Input is taken eight bytes
 * at a time, and both arrays have slack at their ends, so that a turn of the loop checks each of
 * them once. It takes two thirds to three quarters of the JDK's time on such rows.
 *
 * <p>An object reads one stream.
 */
final class Inflate {
  /** Bytes that lie behind the input and behind the output; those of the output are soiled. */
  static final int SLACK_BYTES = 32;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private static final int ZLIB_HEADER_BYTES = 2;
  private static final int ADLER_BYTES = 4;

  private static final int SYMBOL_BITS = 10;
  private static final int DISTANCE_BITS = 8;
  private static final int LENGTHS_BITS = 7;

  private static final int END_OF_BLOCK = 256;
  private static final int FIRST_LENGTH = 257;
  private static final int SYMBOLS = 288;
  private static final int SYMBOLS_IN_USE = 286;
  private static final int DISTANCES = 32;
  private static final int DISTANCES_IN_USE = 30;
  private static final int LENGTHS = 19;

  private static final int[] LENGTH_BASE = {
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258
  };
  private static final int[] LENGTH_EXTRA_BITS = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0
  };
  private static final int[] DISTANCE_BASE = {
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
    3073, 4097, 6145, 8193, 12289, 16385, 24577
  };
  private static final int[] DISTANCE_EXTRA_BITS = {
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13
  };
  private static final byte[] ORDER_OF_LENGTHS = {
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
  };

  private final byte[] in;
  private final int inEnd;
  private final byte[] out;
  private final int outEnd;

  /** The next byte that is taken; some may be taken that are not used yet, or do not exist. */
  private int position = ZLIB_HEADER_BYTES;

  private long bits;
  private int available;
  private int at;

  private final HuffmanTable symbols = new HuffmanTable(SYMBOL_BITS, SYMBOLS, END_OF_BLOCK);
  private final HuffmanTable distances = new HuffmanTable(DISTANCE_BITS, DISTANCES, 0);
  private final HuffmanTable lengths = new HuffmanTable(LENGTHS_BITS, LENGTHS, 0);
  private final byte[] codeLengths = new byte[SYMBOLS + DISTANCES];

  private Inflate(byte[] in, int inEnd, byte[] out, int outEnd) {
    this.in = in;
    this.inEnd = inEnd;
    this.out = out;
    this.outEnd = outEnd;
  }

  /**
   * Inflates a stream.
   *
   * @param in the stream, then {@link #SLACK_BYTES} more
   * @param inLength the stream's bytes
   * @param out room for the content, then {@link #SLACK_BYTES} more
   * @param outLength the content's bytes
   * @return whether the stream is whole and sound and has exactly that much content; if not, out
   *     holds anything
   */
  static boolean inflate(byte[] in, int inLength, byte[] out, int outLength) {
    if (inLength > in.length - SLACK_BYTES || outLength > out.length - SLACK_BYTES) {
      throw new IllegalArgumentException(
          "%d bytes in %d and %d in %d, expected %d more at the end of each"
              .formatted(inLength, in.length, outLength, out.length, SLACK_BYTES));
    }
    return new Inflate(in, inLength, out, outLength).stream();
  }

  private boolean stream() {
    if (!isZlib()) {
      return false;
    }
    boolean last;
    do {
      refill();
      last = take(1) == 1;
      boolean fine =
          switch (take(2)) {
            case 0 -> stored();
            case 1 -> fixedCodes() && block();
            case 2 -> codesOfItsOwn() && block();
            default -> false;
          };
      if (!fine) {
        return false;
      }
    } while (!last);
    int end = position - available / Byte.SIZE;
    if (at != outEnd || end != inEnd - ADLER_BYTES) {
      return false;
    }
    Adler32 adler = new Adler32();
    adler.update(out, 0, outEnd);
    return Integer.reverseBytes((int) INTS.get(in, end)) == (int) adler.getValue();
  }

  /** Deflate with a window of at most 32 KiB and no dictionary; the two bytes check themselves. */
  private boolean isZlib() {
    if (inEnd < ZLIB_HEADER_BYTES + ADLER_BYTES) {
      return false;
    }
    int method = in[0] & 0xFF;
    int flags = in[1] & 0xFF;
    boolean deflate = (method & 0x0F) == 8 && method >> 4 <= 7;
    boolean dictionary = (flags & 0x20) != 0;
    return deflate && !dictionary && ((method << 8) | flags) % 31 == 0;
  }

  /** Makes at least 56 bits available; behind the input's end they are arbitrary. */
  private void refill() {
    bits |= (long) LONGS.get(in, Math.min(position, inEnd)) << available;
    position += (63 - available) >> 3;
    available |= 56;
  }

  private int take(int count) {
    int value = (int) bits & ((1 << count) - 1);
    bits >>>= count;
    available -= count;
    return value;
  }

  private boolean stored() {
    int start = position - available / Byte.SIZE;
    if (start > inEnd - 4) {
      return false;
    }
    int length = (in[start] & 0xFF) | ((in[start + 1] & 0xFF) << 8);
    int inverse = (in[start + 2] & 0xFF) | ((in[start + 3] & 0xFF) << 8);
    if ((length ^ inverse) != 0xFFFF || length > inEnd - start - 4 || length > outEnd - at) {
      return false;
    }
    System.arraycopy(in, start + 4, out, at, length);
    at += length;
    position = start + 4 + length;
    bits = 0;
    available = 0;
    return true;
  }

  private boolean fixedCodes() {
    Arrays.fill(codeLengths, 0, 144, (byte) 8);
    Arrays.fill(codeLengths, 144, 256, (byte) 9);
    Arrays.fill(codeLengths, 256, 280, (byte) 7);
    Arrays.fill(codeLengths, 280, SYMBOLS, (byte) 8);
    Arrays.fill(codeLengths, SYMBOLS, SYMBOLS + DISTANCES, (byte) 5);
    return symbols.fill(codeLengths, 0, SYMBOLS, false)
        && distances.fill(codeLengths, SYMBOLS, DISTANCES, false);
  }

  private boolean codesOfItsOwn() {
    int symbolCount = take(5) + FIRST_LENGTH;
    int distanceCount = take(5) + 1;
    int lengthCount = take(4) + 4;
    if (symbolCount > SYMBOLS_IN_USE || distanceCount > DISTANCES_IN_USE) {
      return false;
    }
    Arrays.fill(codeLengths, 0, LENGTHS, (byte) 0);
    for (int i = 0; i < lengthCount; i++) {
      refill();
      codeLengths[ORDER_OF_LENGTHS[i]] = (byte) take(3);
    }
    return lengths.fill(codeLengths, 0, LENGTHS, false)
        && readCodeLengths(symbolCount + distanceCount)
        && codeLengths[END_OF_BLOCK] != 0
        && symbols.fill(codeLengths, 0, symbolCount, false)
        && distances.fill(codeLengths, symbolCount, distanceCount, true);
  }

  private boolean readCodeLengths(int count) {
    int[] entries = lengths.entries();
    int i = 0;
    while (i < count) {
      refill();
      int entry = entries[(int) bits & ((1 << LENGTHS_BITS) - 1)];
      take(HuffmanTable.length(entry));
      int symbol = HuffmanTable.symbol(entry);
      byte length = (byte) symbol;
      int times = 1;
      if (symbol > 15) {
        if (symbol == 16 && i == 0) {
          return false;
        }
        length = symbol == 16 ? codeLengths[i - 1] : 0;
        times =
            switch (symbol) {
              case 16 -> 3 + take(2);
              case 17 -> 3 + take(3);
              default -> 11 + take(7);
            };
      }
      if (times > count - i) {
        return false;
      }
      Arrays.fill(codeLengths, i, i + times, length);
      i += times;
    }
    return true;
  }

  /** Reads symbols until the block ends. Fields are held in variables, for speed. */
  private boolean block() {
    final byte[] in = this.in;
    final byte[] out = this.out;
    final int[] symbols = this.symbols.entries();
    final int[] distances = this.distances.entries();
    int position = this.position;
    long bits = this.bits;
    int available = this.available;
    int at = this.at;
    while (true) {
      // A turn takes at most two refills of input and gives nine literals, or a checked repeat.
      if (position > inEnd + Long.BYTES || at > outEnd) {
        return false;
      }
      bits |= (long) LONGS.get(in, position) << available;
      position += (63 - available) >> 3;
      available |= 56;
      int entry = symbols[(int) bits & ((1 << SYMBOL_BITS) - 1)];
      int count = HuffmanTable.count(entry);
      if (count != 0) {
        INTS.set(out, at, entry >>> HuffmanTable.VALUE_SHIFT);
        at += count;
        bits >>>= entry; // A shift by the entry's lowest six bits, its length.
        available -= HuffmanTable.length(entry);
        entry = symbols[(int) bits & ((1 << SYMBOL_BITS) - 1)];
        count = HuffmanTable.count(entry);
        if (count != 0) {
          INTS.set(out, at, entry >>> HuffmanTable.VALUE_SHIFT);
          at += count;
          bits >>>= entry;
          available -= HuffmanTable.length(entry);
          entry = symbols[(int) bits & ((1 << SYMBOL_BITS) - 1)];
          count = HuffmanTable.count(entry);
          if (count != 0) {
            INTS.set(out, at, entry >>> HuffmanTable.VALUE_SHIFT);
            at += count;
            bits >>>= entry;
            available -= HuffmanTable.length(entry);
            continue;
          }
        }
        // A repeat takes 15 + 5 + 15 + 13 bits at most.
        bits |= (long) LONGS.get(in, position) << available;
        position += (63 - available) >> 3;
        available |= 56;
      }
      if (HuffmanTable.isLink(entry)) {
        bits >>>= entry;
        available -= HuffmanTable.length(entry);
        entry = symbols[HuffmanTable.follow(entry, (int) bits)];
      }
      bits >>>= entry;
      available -= HuffmanTable.length(entry);
      if (HuffmanTable.count(entry) != 0) {
        out[at++] = (byte) (entry >>> HuffmanTable.VALUE_SHIFT);
        continue;
      }
      int symbol = HuffmanTable.symbol(entry);
      if (symbol == END_OF_BLOCK) {
        break;
      }
      // An entry without meaning has symbol 0.
      int lengthCode = symbol - FIRST_LENGTH;
      if (lengthCode < 0 || lengthCode >= LENGTH_BASE.length) {
        return false;
      }
      int extraBits = LENGTH_EXTRA_BITS[lengthCode];
      int length = LENGTH_BASE[lengthCode] + ((int) bits & ((1 << extraBits) - 1));
      bits >>>= extraBits;
      available -= extraBits;

      entry = distances[(int) bits & ((1 << DISTANCE_BITS) - 1)];
      if (HuffmanTable.isLink(entry)) {
        bits >>>= entry;
        available -= HuffmanTable.length(entry);
        entry = distances[HuffmanTable.follow(entry, (int) bits)];
      }
      bits >>>= entry;
      available -= HuffmanTable.length(entry);
      int distanceCode = HuffmanTable.symbol(entry);
      if (entry == 0 || distanceCode >= DISTANCE_BASE.length) {
        return false;
      }
      extraBits = DISTANCE_EXTRA_BITS[distanceCode];
      int distance = DISTANCE_BASE[distanceCode] + ((int) bits & ((1 << extraBits) - 1));
      bits >>>= extraBits;
      available -= extraBits;
      if (distance > at || length > outEnd - at) {
        return false;
      }
      repeat(out, at, distance, length);
      at += length;
    }
    this.position = position;
    this.bits = bits;
    this.available = available;
    this.at = at;
    return at <= outEnd && position - available / Byte.SIZE <= inEnd;
  }

  private static void repeat(byte[] out, int at, int distance, int length) {
    if (distance >= Long.BYTES) {
      // Eight at a time, soiling what lies behind.
      for (int i = at; i < at + length; i += Long.BYTES) {
        LONGS.set(out, i, (long) LONGS.get(out, i - distance));
      }
    } else if (distance == 1) {
      Arrays.fill(out, at, at + length, out[at - 1]);
    } else {
      for (int i = at; i < at + length; i++) {
        out[i] = out[i - distance];
      }
    }
  }
}
