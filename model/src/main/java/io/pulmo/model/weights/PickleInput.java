package io.pulmo.model.weights;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;

/** The bytes of pickles that follow one another in a file, read in order through a small buffer. */
final class PickleInput {
  private static final int BUFFER_BYTES = 1 << 16;

  private final FileChannel channel;
  private final long begin;
  private final long end;
  private final String where;
  private final ByteBuffer buffer;
  private long filledTo;

  /**
   * A part of a file.
   *
   * @param where what messages call it: byte 0 of it is {@code begin}
   */
  PickleInput(FileChannel channel, long begin, long end, String where) {
    this.channel = channel;
    this.begin = begin;
    this.end = end;
    this.where = where;
    this.filledTo = begin;
    buffer =
        ByteBuffer.allocate((int) Math.min(BUFFER_BYTES, Math.max(16, end - begin)))
            .order(ByteOrder.LITTLE_ENDIAN)
            .limit(0);
  }

  /** The place of the next byte, counted from the part's begin. */
  long offset() {
    return filledTo - buffer.remaining() - begin;
  }

  /** A place, for messages. */
  String at(long offset) {
    return "byte " + offset + " of " + where;
  }

  private void need(int bytes) throws IOException, Malformed {
    if (buffer.remaining() >= bytes) {
      return;
    }
    if (bytes > buffer.remaining() + end - filledTo) {
      throw new Malformed(
          "%s ends at byte %d within a pickle: it is cut off, fetch it again"
              .formatted(where, end - begin));
    }
    buffer.compact();
    buffer.limit((int) Math.min(buffer.capacity(), buffer.position() + end - filledTo));
    int before = buffer.position();
    try {
      Bytes.readFully(channel, buffer, filledTo);
    } catch (EOFException e) {
      throw new Malformed(where + " became shorter while it was read");
    }
    filledTo += buffer.position() - before;
    buffer.flip();
  }

  int unsignedByte() throws IOException, Malformed {
    need(1);
    return Byte.toUnsignedInt(buffer.get());
  }

  int unsignedShort() throws IOException, Malformed {
    need(2);
    return Short.toUnsignedInt(buffer.getShort());
  }

  int signedInt() throws IOException, Malformed {
    need(4);
    return buffer.getInt();
  }

  long signedLong() throws IOException, Malformed {
    need(8);
    return buffer.getLong();
  }

  /** So many bytes, which must be there before room is made for them. */
  byte[] bytes(int count) throws IOException, Malformed {
    if (count > buffer.remaining() + end - filledTo) {
      throw new Malformed(
          "%s: %d bytes were announced, but %d are left"
              .formatted(at(offset()), count, buffer.remaining() + end - filledTo));
    }
    byte[] bytes = new byte[count];
    for (int done = 0; done < count; ) {
      need(1);
      int part = Math.min(count - done, buffer.remaining());
      buffer.get(bytes, done, part);
      done += part;
    }
    return bytes;
  }

  /** Bytes up to a line feed, which is taken too. */
  String line(int most) throws IOException, Malformed {
    long start = offset();
    byte[] line = new byte[most];
    for (int length = 0; length < most; length++) {
      int next = unsignedByte();
      if (next == '\n') {
        return new String(line, 0, length, StandardCharsets.ISO_8859_1);
      }
      line[length] = (byte) next;
    }
    throw new Malformed("%s: a line is longer than %d bytes".formatted(at(start), most));
  }
}
