package io.pulmo.worker.train;

import io.pulmo.model.bundle.Sha256;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SequencedMap;

/**
 * The digest of a training state: SHA-256 over its header and over the SHA-256 of each stretch of
 * its arrays, little-endian.
 */
final class StateDigest {
  // Stretches of a fixed length, so that all processors take part whatever the arrays' lengths.
  // DenseNet-121 with Adam has 112 MB, which one core hashes in some 70 ms with its SHA
  // instructions and in 300 ms without.
  private static final int STRETCH_FLOATS = 1 << 19;
  private static final int CHUNK_BYTES = 1 << 16;

  private StateDigest() {}

  /** A stretch of an array. */
  private record Stretch(float[] values, int from, int to) {
    byte[] sha256() {
      MessageDigest digest = Sha256.newDigest();
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      int floats = CHUNK_BYTES / Float.BYTES;
      for (int at = from; at < to; at += floats) {
        int count = Math.min(floats, to - at);
        chunk.asFloatBuffer().put(values, at, count);
        digest.update(chunk.array(), 0, count * Float.BYTES);
      }
      return digest.digest();
    }
  }

  /** Of a state's arrays, on all processors. */
  static String of(byte[] header, SequencedMap<String, float[]> arrays) {
    List<Stretch> stretches = new ArrayList<>();
    for (float[] values : arrays.values()) {
      for (int from = 0; from < values.length; from += STRETCH_FLOATS) {
        stretches.add(new Stretch(values, from, Math.min(values.length, from + STRETCH_FLOATS)));
      }
    }
    return of(header, stretches.parallelStream().map(Stretch::sha256).toList());
  }

  /** Of copies of the arrays' bytes, little-endian, on this thread alone. */
  static String ofBytes(byte[] header, List<ByteBuffer> arrays) {
    List<byte[]> leaves = new ArrayList<>();
    for (ByteBuffer bytes : arrays) {
      int stretch = STRETCH_FLOATS * Float.BYTES;
      for (int from = 0; from < bytes.limit(); from += stretch) {
        MessageDigest digest = Sha256.newDigest();
        digest.update(bytes.slice(from, Math.min(stretch, bytes.limit() - from)));
        leaves.add(digest.digest());
      }
    }
    return of(header, leaves);
  }

  private static String of(byte[] header, List<byte[]> leaves) {
    MessageDigest root = Sha256.newDigest();
    // The header names the arrays and their lengths, and so which leaf is whose.
    root.update(ByteBuffer.allocate(Integer.BYTES).putInt(header.length).flip());
    root.update(header);
    leaves.forEach(root::update);
    return HexFormat.of().formatHex(root.digest());
  }
}
