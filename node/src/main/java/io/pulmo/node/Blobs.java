package io.pulmo.node;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.pulmo.proto.BlobChunk;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.GetBlobRequest;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.PutBlobResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Files to and from the leader, named by the SHA-256 of their bytes. */
public final class Blobs {
  /** Bytes in one message. */
  public static final int CHUNK_BYTES = 1 << 20;

  private static final long STALL_SECONDS = 30;

  private Blobs() {}

  /**
   * Stores a file with the leader; storing what is there already is fine.
   *
   * @return its SHA-256, hexadecimal
   * @throws IOException if the file cannot be read, or changes meanwhile
   * @throws io.grpc.StatusRuntimeException what the leader answered
   */
  public static String put(LeaderFollower follower, Path file)
      throws IOException, InterruptedException {
    String sha256 = sha256(file);
    long bytes = Files.size(file);
    return follower.<String, IOException>retry(
        channel -> {
          BlockingClientCall<PutBlobRequest, PutBlobResponse> call =
              CoordinatorGrpc.newBlockingV2Stub(channel).putBlob();
          try (InputStream in = Files.newInputStream(file)) {
            boolean open =
                write(
                    call,
                    PutBlobRequest.newBuilder().setSha256(sha256).setTotalBytes(bytes).build());
            while (open) {
              // A buffer of its own for each message: gRPC keeps it until it is sent.
              byte[] chunk = in.readNBytes(CHUNK_BYTES);
              if (chunk.length == 0) {
                break;
              }
              ByteString data = UnsafeByteOperations.unsafeWrap(chunk);
              open = write(call, PutBlobRequest.newBuilder().setData(data).build());
            }
            call.halfClose();
            read(call);
            return sha256;
          } finally {
            call.cancel("left", null);
          }
        });
  }

  /**
   * Fetches a blob from the leader into a file, which appears whole or not at all.
   *
   * @param sha256 hexadecimal
   * @throws IOException if the file cannot be written, or the bytes do not have that SHA-256
   * @throws io.grpc.StatusRuntimeException what the leader answered, as NOT_FOUND
   */
  public static void get(LeaderFollower follower, String sha256, Path into)
      throws IOException, InterruptedException {
    Path folder = into.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException("'" + into + "' is no file name: expected one in a folder");
    }
    Files.createDirectories(folder);
    Path part = Files.createTempFile(folder, ".part-", "");
    try {
      follower.<String, IOException>retry(
          channel -> {
            BlockingClientCall<?, BlobChunk> call =
                CoordinatorGrpc.newBlockingV2Stub(channel)
                    .getBlob(GetBlobRequest.newBuilder().setSha256(sha256).build());
            MessageDigest digest = newSha256();
            try (OutputStream out = Files.newOutputStream(part)) {
              for (BlobChunk chunk = read(call); chunk != null; chunk = read(call)) {
                byte[] data = chunk.getData().toByteArray();
                digest.update(data);
                out.write(data);
              }
            } finally {
              call.cancel("left", null);
            }
            String got = HexFormat.of().formatHex(digest.digest());
            if (!got.equals(sha256)) {
              throw new IOException(
                  "the bytes that came for blob "
                      + sha256
                      + " have SHA-256 "
                      + got
                      + ": fetch again");
            }
            return got;
          });
      Files.move(part, into, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /** The SHA-256 of a file's bytes, hexadecimal. */
  public static String sha256(Path file) throws IOException {
    MessageDigest digest = newSha256();
    byte[] buffer = new byte[CHUNK_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Writes once the receiver has room; false once the call has ended. */
  private static <T> boolean write(BlockingClientCall<T, ?> call, T message)
      throws StatusException, InterruptedException {
    try {
      return call.write(message, STALL_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw stalled(e);
    }
  }

  /** The next message, or null at the end. */
  private static <T> @Nullable T read(BlockingClientCall<?, T> call)
      throws StatusException, InterruptedException {
    try {
      return call.read(STALL_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw stalled(e);
    }
  }

  private static StatusException stalled(TimeoutException e) {
    return Status.UNAVAILABLE
        .withDescription("nothing moved for " + STALL_SECONDS + " s")
        .withCause(e)
        .asException();
  }

  private static MessageDigest newSha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
