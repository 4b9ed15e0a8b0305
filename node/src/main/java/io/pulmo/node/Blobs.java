package io.pulmo.node;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.ManagedChannel;
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
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Files to and from coordinators, named by the SHA-256 of their bytes. */
public final class Blobs {
  /** Bytes in one message. */
  public static final int CHUNK_BYTES = 1 << 20;

  private static final Duration STALL = Duration.ofSeconds(30);
  // Once it has the bytes, the receiver writes them through to its disk and to others: at least so
  // fast.
  private static final long SLOWEST_BYTES_PER_MILLI = 8_192;

  private Blobs() {}

  /** Where the bytes of a blob go. */
  public interface Sink {
    /** Hears first how many bytes there are; not at all if there are none. */
    void begin(long totalBytes) throws IOException;

    /** Takes all that the buffer holds, in order. */
    void write(ByteBuffer bytes) throws IOException;
  }

  /**
   * Stores a file with the leader; storing what is there already is fine. Where the leader goes
   * before it has answered, the next one gets the file.
   *
   * @return its SHA-256, hexadecimal
   * @throws IOException if the file cannot be read, or changes meanwhile
   * @throws io.grpc.StatusRuntimeException what the leader answered
   */
  public static String put(LeaderFollower follower, Path file)
      throws IOException, InterruptedException {
    String sha256 = sha256(file);
    PutBlobRequest head =
        PutBlobRequest.newBuilder().setSha256(sha256).setTotalBytes(Files.size(file)).build();
    return follower.<String, IOException>retry(
        channel -> {
          try (InputStream in = Files.newInputStream(file)) {
            send(channel, head, in, STALL);
            return sha256;
          }
        });
  }

  /**
   * Stores one coordinator's blob with another one.
   *
   * @param channel to the other
   * @param in the blob's bytes, left open
   * @param stall after so long without movement the other is given up
   * @throws StatusException what it answered, or UNAVAILABLE when nothing moved
   */
  public static void copy(
      ManagedChannel channel, String sha256, long bytes, InputStream in, Duration stall)
      throws IOException, StatusException, InterruptedException {
    send(
        channel,
        PutBlobRequest.newBuilder().setSha256(sha256).setTotalBytes(bytes).setCopy(true).build(),
        in,
        stall);
  }

  private static void send(
      ManagedChannel channel, PutBlobRequest head, InputStream in, Duration stall)
      throws IOException, StatusException, InterruptedException {
    BlockingClientCall<PutBlobRequest, PutBlobResponse> call =
        CoordinatorGrpc.newBlockingV2Stub(channel).putBlob();
    try {
      boolean open = write(call, head, stall);
      while (open) {
        // A buffer of its own for each message: gRPC keeps it until it is sent.
        byte[] chunk = in.readNBytes(CHUNK_BYTES);
        if (chunk.length == 0) {
          break;
        }
        ByteString data = UnsafeByteOperations.unsafeWrap(chunk);
        open = write(call, PutBlobRequest.newBuilder().setData(data).build(), stall);
      }
      call.halfClose();
      Duration patience = stall.plusMillis(head.getTotalBytes() / SLOWEST_BYTES_PER_MILLI);
      if (read(call, patience) == null) {
        throw Status.INTERNAL.withDescription("no answer to PutBlob").asException();
      }
    } finally {
      call.cancel("left", null);
    }
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
      GetBlobRequest request = GetBlobRequest.newBuilder().setSha256(sha256).build();
      follower.<String, IOException>retry(
          channel -> {
            MessageDigest digest = newSha256();
            try (FileChannel out =
                FileChannel.open(
                    part, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
              receive(
                  channel,
                  request,
                  new Sink() {
                    @Override
                    public void begin(long totalBytes) {}

                    @Override
                    public void write(ByteBuffer bytes) throws IOException {
                      digest.update(bytes.duplicate());
                      while (bytes.hasRemaining()) {
                        out.write(bytes);
                      }
                    }
                  },
                  STALL);
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

  /**
   * Fetches from one coordinator what that one itself holds; whether the bytes are right is for the
   * caller to see.
   *
   * @param stall after so long without movement it is given up
   * @throws StatusException what it answered, as NOT_FOUND, or UNAVAILABLE when nothing moved
   */
  public static void fetch(ManagedChannel channel, String sha256, Sink sink, Duration stall)
      throws IOException, StatusException, InterruptedException {
    receive(
        channel,
        GetBlobRequest.newBuilder().setSha256(sha256).setHeldHere(true).build(),
        sink,
        stall);
  }

  private static void receive(
      ManagedChannel channel, GetBlobRequest request, Sink sink, Duration stall)
      throws IOException, StatusException, InterruptedException {
    BlockingClientCall<?, BlobChunk> call =
        CoordinatorGrpc.newBlockingV2Stub(channel).getBlob(request);
    boolean first = true;
    try {
      for (BlobChunk chunk = read(call, stall); chunk != null; chunk = read(call, stall)) {
        if (first) {
          sink.begin(chunk.getTotalBytes());
          first = false;
        }
        for (ByteBuffer bytes : chunk.getData().asReadOnlyByteBufferList()) {
          sink.write(bytes);
        }
      }
    } finally {
      call.cancel("left", null);
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
  private static <T> boolean write(BlockingClientCall<T, ?> call, T message, Duration stall)
      throws StatusException, InterruptedException {
    try {
      return call.write(message, stall.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw stalled(stall, e);
    }
  }

  /** The next message, or null at the end. */
  private static <T> @Nullable T read(BlockingClientCall<?, T> call, Duration stall)
      throws StatusException, InterruptedException {
    try {
      return call.read(stall.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw stalled(stall, e);
    }
  }

  private static StatusException stalled(Duration stall, TimeoutException e) {
    return Status.UNAVAILABLE
        .withDescription("nothing moved for " + stall.toMillis() / 1000.0 + " s")
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
