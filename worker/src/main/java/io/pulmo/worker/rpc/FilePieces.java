package io.pulmo.worker.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A file's bytes in pieces. */
final class FilePieces<T> implements Transfer.Pieces<T> {
  private final InputStream in;
  private final long bytes;
  private final int pieceBytes;
  private final Function<ByteString, T> message;
  private long sent;

  /**
   * To the stream's end.
   *
   * @param bytes that must come until then, -1 for any number
   * @param message makes a message of a piece
   */
  FilePieces(InputStream in, long bytes, int pieceBytes, Function<ByteString, T> message) {
    this.in = in;
    this.bytes = bytes;
    this.pieceBytes = pieceBytes;
    this.message = message;
  }

  @Override
  public @Nullable T next() throws IOException {
    byte[] piece = in.readNBytes(pieceBytes);
    sent += piece.length;
    if (bytes >= 0 && (sent > bytes || (piece.length == 0 && sent < bytes))) {
      throw new IOException("the file has changed: it has no longer " + bytes + " bytes");
    }
    return piece.length == 0 ? null : message.apply(UnsafeByteOperations.unsafeWrap(piece));
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw new IllegalStateException("a file that was read could not be closed", e);
    }
  }
}
