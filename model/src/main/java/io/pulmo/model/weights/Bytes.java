package io.pulmo.model.weights;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Reads of an exact number of bytes at a place of a file. */
final class Bytes {
  private Bytes() {}

  /**
   * Fills the buffer.
   *
   * @throws EOFException if the file ends before
   */
  static void readFully(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new EOFException();
      }
      at += read;
    }
  }
}
