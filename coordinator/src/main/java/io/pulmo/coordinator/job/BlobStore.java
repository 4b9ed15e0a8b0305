package io.pulmo.coordinator.job;

import io.pulmo.model.bundle.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Files on disk named by the SHA-256 of their bytes, each there whole or not at all: {@code
 * ab/ab12...} under a folder.
 */
public final class BlobStore {
  /** The largest blob. */
  public static final long LARGEST_BYTES = 4L << 30;

  private static final long RESERVE_BYTES = 128L << 20;
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final String PART = ".part-";

  private final Path folder;

  /**
   * Opens the store, and drops what an earlier process left half written.
   *
   * @param folder made if it is not there
   */
  public BlobStore(Path folder) throws IOException {
    this.folder = folder;
    Files.createDirectories(folder);
    try (Stream<Path> left = Files.list(folder)) {
      for (Path path : left.toList()) {
        if (String.valueOf(path.getFileName()).startsWith(PART)) {
          Files.deleteIfExists(path);
        }
      }
    }
  }

  /** Whether a text is a SHA-256 as blobs are named: 64 lower-case hexadecimal digits. */
  public static boolean isName(String text) {
    return SHA256.matcher(text).matches();
  }

  /** A blob's size; empty if it is not there. */
  public OptionalLong size(String sha256) {
    if (!isName(sha256)) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Files.size(path(sha256)));
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  /**
   * Opens a blob for reading.
   *
   * @throws IOException if it is not there
   */
  public FileChannel open(String sha256) throws IOException {
    return FileChannel.open(path(sha256), StandardOpenOption.READ);
  }

  /**
   * Begins to store a blob.
   *
   * @param sha256 a {@linkplain #isName name}
   * @param bytes its size
   * @throws IOException if there is no room for it
   */
  public Incoming receive(String sha256, long bytes) throws IOException {
    if (!isName(sha256)) {
      throw new IllegalArgumentException(
          "'" + sha256 + "' names no blob: expected 64 lower-case hexadecimal digits");
    }
    long usable = Files.getFileStore(folder).getUsableSpace();
    if (usable < bytes + RESERVE_BYTES) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "no room for a blob of %d bytes: %d are free under the coordinator's --state and"
                  + " %d stay so; free some",
              bytes,
              usable,
              RESERVE_BYTES));
    }
    return new Incoming(sha256, bytes, Files.createTempFile(folder, PART, ""));
  }

  private Path path(String sha256) {
    return folder.resolve(sha256.substring(0, 2)).resolve(sha256);
  }

  /** A blob on its way in; closed without {@link #finish} it leaves nothing behind. */
  public final class Incoming implements AutoCloseable {
    private final String sha256;
    private final long bytes;
    private final Path part;
    private final FileChannel out;
    private final MessageDigest digest;
    private long written;

    private Incoming(String sha256, long bytes, Path part) throws IOException {
      this.sha256 = sha256;
      this.bytes = bytes;
      this.part = part;
      this.out = FileChannel.open(part, StandardOpenOption.WRITE);
      this.digest = Sha256.newDigest();
    }

    /**
     * Adds bytes.
     *
     * @throws IllegalArgumentException if they are more than announced
     * @throws IOException if they cannot be written
     */
    public void write(ByteBuffer data) throws IOException {
      if (written + data.remaining() > bytes) {
        throw new IllegalArgumentException(
            "blob " + sha256 + " has more bytes than the announced " + bytes + ": send that many");
      }
      written += data.remaining();
      digest.update(data.duplicate());
      while (data.hasRemaining()) {
        out.write(data);
      }
    }

    /**
     * Makes the blob appear under its name, on disk for good.
     *
     * @throws IllegalArgumentException if the bytes are not those announced
     * @throws IOException if it cannot be written
     */
    public void finish() throws IOException {
      String got = HexFormat.of().formatHex(digest.digest());
      if (written != bytes || !got.equals(sha256)) {
        throw new IllegalArgumentException(
            "blob "
                + sha256
                + " of "
                + bytes
                + " bytes was announced and "
                + written
                + " bytes with SHA-256 "
                + got
                + " came: send it again");
      }
      out.force(true);
      Path target = path(sha256);
      Path parent = target.getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() throws IOException {
      out.close();
      Files.deleteIfExists(part);
    }
  }
}
