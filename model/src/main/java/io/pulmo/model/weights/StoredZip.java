package io.pulmo.model.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.zip.CRC32;

/**
 * A zip whose entries are stored as they are, as {@code torch.save} writes them, with the places of
 * the entries in the file. What an unpacker could be led astray by is refused: compression,
 * encryption, entries that overlap or have the same name, sizes that two places tell differently.
 *
 * <p>Source: PKWARE's APPNOTE 6.3.10, with zip64.
 */
final class StoredZip {
  private static final int LOCAL = 0x04034b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int END_64 = 0x06064b50;
  private static final int END_64_LOCATOR = 0x07064b50;

  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int END_BYTES = 22;
  private static final int END_64_BYTES = 56;
  private static final int LOCATOR_BYTES = 20;
  private static final int ZIP_64_EXTRA = 1;
  private static final int ENCRYPTED = 1;
  private static final long ALL_ONES = 0xffffffffL;
  private static final int MOST_ENTRIES = 16_384;
  private static final int MOST_DIRECTORY_BYTES = 4 << 20;
  private static final int CHUNK_BYTES = 1 << 20;

  private final FileChannel channel;
  private final SequencedMap<String, Entry> entries;

  private StoredZip(FileChannel channel, SequencedMap<String, Entry> entries) {
    this.channel = channel;
    this.entries = entries;
  }

  /** Reads the directory and every entry's own header. */
  static StoredZip open(FileChannel channel) throws IOException, Malformed {
    Directory directory = directory(channel);
    SequencedMap<String, Entry> entries = new LinkedHashMap<>();
    ByteBuffer central = read(channel, directory.begin, (int) directory.bytes);
    for (long i = 0; i < directory.entries; i++) {
      Entry entry = entry(channel, central, directory.begin);
      if (entries.put(entry.name, entry) != null) {
        throw new Malformed("the zip has two entries " + entry.name);
      }
    }
    if (central.hasRemaining()) {
      throw new Malformed(
          "the zip's directory has %d bytes more than its %d entries take"
              .formatted(central.remaining(), directory.entries));
    }
    checkApart(entries);
    return new StoredZip(channel, entries);
  }

  SequencedMap<String, Entry> entries() {
    return Collections.unmodifiableSequencedMap(entries);
  }

  FileChannel channel() {
    return channel;
  }

  /** A file in the zip. */
  static final class Entry {
    private final FileChannel channel;
    private final String name;
    private final long headerAt;
    private final long begin;
    private final long bytes;
    private final int crc;
    private boolean checked;

    private Entry(
        FileChannel channel, String name, long headerAt, long begin, long bytes, int crc) {
      this.channel = channel;
      this.name = name;
      this.headerAt = headerAt;
      this.begin = begin;
      this.bytes = bytes;
      this.crc = crc;
    }

    /** The first byte's place in the zip's file. */
    long begin() {
      return begin;
    }

    long bytes() {
      return bytes;
    }

    /** Compares the bytes with their checksum, once. */
    void check() throws IOException, Malformed {
      if (checked) {
        return;
      }
      CRC32 sum = new CRC32();
      ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(CHUNK_BYTES, Math.max(1, bytes)));
      for (long at = 0; at < bytes; at += chunk.limit()) {
        chunk.clear().limit((int) Math.min(chunk.capacity(), bytes - at));
        Bytes.readFully(channel, chunk, begin + at);
        sum.update(chunk.flip());
      }
      if ((int) sum.getValue() != crc) {
        throw new Malformed(
            "%s has checksum %08x, the zip says %08x: the file is damaged, fetch it again"
                .formatted(name, (int) sum.getValue(), crc));
      }
      checked = true;
    }
  }

  private record Directory(long begin, long bytes, long entries) {}

  private static Directory directory(FileChannel channel) throws IOException, Malformed {
    long size = channel.size();
    int tailBytes = (int) Math.min(size, END_BYTES + 0xffff);
    ByteBuffer tail = read(channel, size - tailBytes, tailBytes);
    for (int at = tailBytes - END_BYTES; at >= 0; at--) {
      int comment = Short.toUnsignedInt(tail.getShort(at + 20));
      if (tail.getInt(at) == END && at + END_BYTES + comment == tailBytes) {
        return directory(channel, tail, at, size - tailBytes + at);
      }
    }
    throw new Malformed("begins like a zip, but has no directory at its end: it is cut off");
  }

  private static Directory directory(FileChannel channel, ByteBuffer tail, int at, long position)
      throws IOException, Malformed {
    long entries = Short.toUnsignedInt(tail.getShort(at + 10));
    long bytes = Integer.toUnsignedLong(tail.getInt(at + 12));
    long begin = Integer.toUnsignedLong(tail.getInt(at + 16));
    long end = position;
    long locatorAt = position - LOCATOR_BYTES;
    ByteBuffer locator = locatorAt < 0 ? null : read(channel, locatorAt, LOCATOR_BYTES);
    if (locator != null && locator.getInt(0) == END_64_LOCATOR) {
      long recordAt = locator.getLong(8);
      if (recordAt < 0 || recordAt > locatorAt - END_64_BYTES) {
        throw new Malformed(
            "the zip64 directory's end lies at byte %s, expected before %d"
                .formatted(Long.toUnsignedString(recordAt), locatorAt));
      }
      ByteBuffer record = read(channel, recordAt, END_64_BYTES);
      if (record.getInt(0) != END_64) {
        throw new Malformed("byte " + recordAt + " is no end of a zip64 directory");
      }
      entries = record.getLong(32);
      bytes = record.getLong(40);
      begin = record.getLong(48);
      end = recordAt;
    }
    if (entries < 0 || entries > MOST_ENTRIES || bytes < 0 || bytes > MOST_DIRECTORY_BYTES) {
      throw new Malformed(
          "the zip's directory has %s entries in %s bytes, expected at most %d in %d"
              .formatted(
                  Long.toUnsignedString(entries),
                  Long.toUnsignedString(bytes),
                  MOST_ENTRIES,
                  MOST_DIRECTORY_BYTES));
    }
    if (begin < 0 || begin != end - bytes) {
      throw new Malformed(
          "the zip's directory lies at byte %s and has %d bytes, expected it to end at %d"
              .formatted(Long.toUnsignedString(begin), bytes, end));
    }
    return new Directory(begin, bytes, entries);
  }

  private static Entry entry(FileChannel channel, ByteBuffer central, long limit)
      throws IOException, Malformed {
    if (central.remaining() < CENTRAL_BYTES || central.getInt(central.position()) != CENTRAL) {
      throw new Malformed("the zip's directory is damaged: an entry does not begin as one");
    }
    int at = central.position();
    int flags = central.getShort(at + 8);
    int method = Short.toUnsignedInt(central.getShort(at + 10));
    int crc = central.getInt(at + 16);
    int nameBytes = Short.toUnsignedInt(central.getShort(at + 28));
    int extraBytes = Short.toUnsignedInt(central.getShort(at + 30));
    int commentBytes = Short.toUnsignedInt(central.getShort(at + 32));
    if (central.remaining() < CENTRAL_BYTES + nameBytes + extraBytes + commentBytes) {
      throw new Malformed("the zip's directory is damaged: it ends within an entry");
    }
    byte[] name = new byte[nameBytes];
    central.get(at + CENTRAL_BYTES, name);
    String text = new String(name, StandardCharsets.UTF_8);
    // Those of 32 bits that are all ones stand in an extra field, in this order.
    List<Long> numbers =
        zip64(
            central
                .slice(at + CENTRAL_BYTES + nameBytes, extraBytes)
                .order(ByteOrder.LITTLE_ENDIAN),
            List.of(
                Integer.toUnsignedLong(central.getInt(at + 24)),
                Integer.toUnsignedLong(central.getInt(at + 20)),
                Integer.toUnsignedLong(central.getInt(at + 42))));
    long bytes = numbers.get(0);
    long packed = numbers.get(1);
    long localAt = numbers.get(2);
    central.position(at + CENTRAL_BYTES + nameBytes + extraBytes + commentBytes);
    if (method != 0 || (flags & ENCRYPTED) != 0 || packed != bytes) {
      throw new Malformed(
          "%s is packed (method %d, flags 0x%x, %s bytes in %s), expected it stored as torch.save does: do not compress weights"
              .formatted(
                  text,
                  method,
                  flags & 0xffff,
                  Long.toUnsignedString(bytes),
                  Long.toUnsignedString(packed)));
    }
    if (bytes < 0 || localAt < 0 || localAt > limit - LOCAL_BYTES) {
      throw new Malformed(
          "%s lies at byte %s of the zip, which has %d bytes of entries"
              .formatted(text, Long.toUnsignedString(localAt), limit));
    }
    ByteBuffer local = read(channel, localAt, LOCAL_BYTES);
    long begin =
        localAt
            + LOCAL_BYTES
            + Short.toUnsignedInt(local.getShort(26))
            + Short.toUnsignedInt(local.getShort(28));
    if (local.getInt(0) != LOCAL
        || Short.toUnsignedInt(local.getShort(26)) != nameBytes
        || begin > limit
        || bytes > limit - begin) {
      throw new Malformed(
          "%s is said to lie at byte %d with %d bytes, but no such entry is there"
              .formatted(text, localAt, bytes));
    }
    byte[] localName = read(channel, localAt + LOCAL_BYTES, nameBytes).array();
    if (!Arrays.equals(name, localName)) {
      throw new Malformed("the zip's directory says " + text + " where another name stands");
    }
    return new Entry(channel, text, localAt, begin, bytes, crc);
  }

  private static List<Long> zip64(ByteBuffer extra, List<Long> numbers) throws Malformed {
    if (!numbers.contains(ALL_ONES)) {
      return numbers;
    }
    while (extra.remaining() >= 4) {
      int id = Short.toUnsignedInt(extra.getShort());
      int length = Short.toUnsignedInt(extra.getShort());
      if (length > extra.remaining()) {
        break;
      }
      if (id == ZIP_64_EXTRA) {
        int end = extra.position() + length;
        List<Long> all = new ArrayList<>();
        for (long number : numbers) {
          if (number != ALL_ONES) {
            all.add(number);
          } else if (end - extra.position() >= Long.BYTES) {
            all.add(extra.getLong());
          }
        }
        if (all.size() == numbers.size()) {
          return all;
        }
        break;
      }
      extra.position(extra.position() + length);
    }
    throw new Malformed("the zip's directory lacks an entry's numbers of 64 bits");
  }

  /** Entries that share bytes make small files yield much. */
  private static void checkApart(SequencedMap<String, Entry> entries) throws Malformed {
    List<Entry> byPlace = new ArrayList<>(entries.values());
    byPlace.sort(Comparator.comparingLong(entry -> entry.headerAt));
    long end = 0;
    for (Entry entry : byPlace) {
      if (entry.headerAt < end) {
        throw new Malformed(
            "%s begins at byte %d of the zip, within the entry before it, which ends at %d"
                .formatted(entry.name, entry.headerAt, end));
      }
      end = entry.begin + entry.bytes;
    }
  }

  private static ByteBuffer read(FileChannel channel, long position, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    Bytes.readFully(channel, buffer, position);
    return buffer.flip();
  }
}
