package io.pulmo.model.image;

import java.util.Arrays;

/**
 * A look-up table of one of deflate's codes (RFC 1951, 3.2.2): the next bits of the input choose an
 * entry, which says what they mean and how many of them were meant.
 *
 * <p>Codes longer than the table's bits go through a second table, to which an entry links. In a
 * table of literals an entry holds up to three of them, as many as its bits spell out.
 *
 * <p>An entry, from the lowest bit: 6 bits of how many bits it takes, 2 bits of how many literals
 * it holds (0 for one that holds none), 24 bits of value: the literals, or a symbol, or a link.
 * Zero stands for bits that mean nothing.
 */
final class HuffmanTable {
  static final int COUNT_SHIFT = 6;
  static final int VALUE_SHIFT = 8;

  private static final int LENGTH_MASK = (1 << COUNT_SHIFT) - 1;
  private static final int ONE_LITERAL = 1 << COUNT_SHIFT;
  private static final int SYMBOL = 1 << 30;
  private static final int LINK = 1 << 31;
  private static final int LINK_BITS_SHIFT = 26;
  private static final int LINK_START_MASK = 0xFFFF;

  private static final int LONGEST_CODE = 15;

  private final int bits;
  private final int literals;
  private final int[] entries;
  private final int[] counts = new int[LONGEST_CODE + 1];
  private final int[] next = new int[LONGEST_CODE + 1];

  /**
   * An empty table.
   *
   * @param bits that choose an entry
   * @param symbols at most
   * @param literals that many of the first symbols are literals
   */
  HuffmanTable(int bits, int symbols, int literals) {
    this.bits = bits;
    this.literals = literals;
    // A second table serves two symbols at least.
    this.entries = new int[(1 << bits) + ((symbols / 2) << (LONGEST_CODE - bits))];
  }

  /** All entries, those of the first table first. */
  int[] entries() {
    return entries;
  }

  /** The bits that an entry takes from the input. */
  static int length(int entry) {
    return entry & LENGTH_MASK;
  }

  /** How many literals it holds, 0 to 3. */
  static int count(int entry) {
    return (entry >>> COUNT_SHIFT) & 3;
  }

  /** Whether it links to a second table. */
  static boolean isLink(int entry) {
    return entry < 0;
  }

  /** Where in the entries the next bits, of which its own are taken, lead on from a link. */
  static int follow(int link, int nextBits) {
    int chosen = nextBits & ((1 << ((link >>> LINK_BITS_SHIFT) & 15)) - 1);
    return ((link >>> VALUE_SHIFT) & LINK_START_MASK) + chosen;
  }

  /** The symbol of an entry that is none of the others. */
  static int symbol(int entry) {
    return (entry & ~SYMBOL) >>> VALUE_SHIFT;
  }

  /**
   * Fills the table with the canonical code of these lengths.
   *
   * @param lengths of the symbols' codes, 0 for a symbol that does not occur
   * @param first of the lengths
   * @param symbols how many
   * @param sparse whether a single code, or none, may leave the rest of the table without meaning
   * @return false if no code, or no complete one, has these lengths
   */
  boolean fill(byte[] lengths, int first, int symbols, boolean sparse) {
    Arrays.fill(counts, 0);
    for (int i = first; i < first + symbols; i++) {
      counts[lengths[i]]++;
    }
    int used = symbols - counts[0];
    counts[0] = 0;
    int code = 0;
    int space = 1 << LONGEST_CODE;
    int longest = 0;
    for (int length = 1; length <= LONGEST_CODE; length++) {
      code = (code + counts[length - 1]) << 1;
      next[length] = code;
      space -= counts[length] << (LONGEST_CODE - length);
      longest = counts[length] > 0 ? length : longest;
    }
    if (space < 0 || (space > 0 && !(sparse && used <= 1 && longest <= 1))) {
      return false;
    }
    Arrays.fill(entries, 0, 1 << bits, 0);
    int free = 1 << bits;
    for (int symbol = 0; symbol < symbols; symbol++) {
      int length = lengths[first + symbol];
      if (length > 0) {
        // Deflate sends a code's first bit first, and numbers are read from the lowest.
        int reversed = Integer.reverse(next[length]++) >>> (Integer.SIZE - length);
        free = put(symbol, length, reversed, longest, free);
      }
    }
    if (literals > 0) {
      joinLiterals();
    }
    return true;
  }

  /** Puts a symbol where its code leads; returns where the next second table may start. */
  private int put(int symbol, int length, int code, int longest, int free) {
    int entry = (symbol << VALUE_SHIFT) | (symbol < literals ? ONE_LITERAL : SYMBOL);
    if (length <= bits) {
      for (int i = code; i < 1 << bits; i += 1 << length) {
        entries[i] = entry | length;
      }
      return free;
    }
    int index = code & ((1 << bits) - 1);
    int secondBits = longest - bits;
    int end = free;
    if (entries[index] == 0) {
      entries[index] = LINK | (secondBits << LINK_BITS_SHIFT) | (free << VALUE_SHIFT) | bits;
      end = free + (1 << secondBits);
      Arrays.fill(entries, free, end, 0);
    }
    int start = (entries[index] >>> VALUE_SHIFT) & LINK_START_MASK;
    for (int i = code >>> bits; i < 1 << secondBits; i += 1 << (length - bits)) {
      entries[start + i] = entry | (length - bits);
    }
    return end;
  }

  /** Adds to each literal those that the rest of its entry's bits spell out. */
  private void joinLiterals() {
    // From the last: what follows a literal lies at a smaller index, and must still be single.
    for (int i = (1 << bits) - 1; i >= 0; i--) {
      int one = entries[i];
      if ((one & ONE_LITERAL) == 0) {
        continue;
      }
      int length = length(one);
      int value = one >>> VALUE_SHIFT;
      int count = 1;
      while (count < 3) {
        int more = entries[i >> length];
        if ((more & ONE_LITERAL) == 0 || length + length(more) > bits) {
          break;
        }
        value |= (more >>> VALUE_SHIFT) << (Byte.SIZE * count);
        length += length(more);
        count++;
      }
      entries[i] = (value << VALUE_SHIFT) | (count << COUNT_SHIFT) | length;
    }
  }
}
