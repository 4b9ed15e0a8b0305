package io.pulmo.cli.download;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * A stream that gives no more bytes than it was allowed, so that a small file cannot unpack to an
 * endless one, nor a name in it fill the memory.
 */
final class BoundedInput extends FilterInputStream {
  private final String beyond;
  private long allowed;

  /**
   * Allows nothing yet.
   *
   * @param beyond the message of the exception where more is read
   */
  BoundedInput(InputStream in, String beyond) {
    super(in);
    this.beyond = beyond;
  }

  /** From here on, so many bytes. */
  void allow(long bytes) {
    allowed = bytes;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (allowed == 0) {
      throw new IOException(beyond);
    }
    int read = super.read(into, offset, (int) Math.min(length, allowed));
    allowed -= Math.max(0, read);
    return read;
  }

  @Override
  public long skip(long count) throws IOException {
    long skipped = super.skip(Math.min(count, allowed));
    allowed -= skipped;
    return skipped;
  }

  @Override
  public boolean markSupported() {
    return false;
  }
}
