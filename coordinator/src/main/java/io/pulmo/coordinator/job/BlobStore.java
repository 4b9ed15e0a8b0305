package io.pulmo.coordinator.job;

import io.pulmo.model.bundle.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Files on disk named by the SHA-256 of their bytes, each there whole or not at all: {@code
 * ab/ab12...} under a folder. Any thread may call.
 *
 * <p>A blob stays while a job refers to it, and for {@link #KEPT} after it was last stored or
 * {@linkplain #touch touched}: a submission has that long from its first file to its last.
 */
public final class BlobStore {
  /** The largest blob. */
  public static final long LARGEST_BYTES = 4L << 30;

  /** How long a blob stays to which no job refers. */
  public static final Duration KEPT = Duration.ofDays(1);

  private static final long RESERVE_BYTES = 128L << 20;
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final String PART = ".part-";

  /** How many bytes a file system still takes. */
  @FunctionalInterface
  public interface Disk {
    /** As of now. */
    long usableBytes() throws IOException;
  }

  private final Path folder;
  private final InstantSource clock;
  private final Disk disk;

  // Of the blobs on their way in: announced, and not written yet.
  private final AtomicLong expectedBytes = new AtomicLong();

  // Between looking at a blob's age and deleting it, nobody may be told that it is there.
  private final Object ages = new Object();

  /**
   * Opens the store, and drops what an earlier process left half written.
   *
   * @param folder made if it is not there
   */
  public BlobStore(Path folder) throws IOException {
    this(folder, InstantSource.system(), () -> Files.getFileStore(folder).getUsableSpace());
  }

  /** A store whose clock and disk are the caller's. */
  public BlobStore(Path folder, InstantSource clock, Disk disk) throws IOException {
    this.folder = folder;
    this.clock = clock;
    this.disk = disk;
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

  /** Keeps a blob for another {@link #KEPT}; false if it is not there. */
  public boolean touch(String sha256) {
    if (!isName(sha256)) {
      return false;
    }
    synchronized (ages) {
      try {
        Files.setLastModifiedTime(path(sha256), FileTime.from(clock.instant()));
        return true;
      } catch (IOException e) {
        return false;
      }
    }
  }

  /**
   * Drops what is neither referred to nor young.
   *
   * @param referredTo names of blobs that stay whatever their age
   * @return how many went
   */
  public int collect(Set<String> referredTo) throws IOException {
    Instant old = clock.instant().minus(KEPT);
    int dropped = 0;
    try (DirectoryStream<Path> groups = Files.newDirectoryStream(folder, "??")) {
      for (Path group : groups) {
        try (DirectoryStream<Path> blobs = Files.newDirectoryStream(group)) {
          for (Path blob : blobs) {
            String name = String.valueOf(blob.getFileName());
            if (isName(name) && !referredTo.contains(name) && dropIfOlder(blob, old)) {
              dropped++;
            }
          }
        }
      }
    }
    return dropped;
  }

  private boolean dropIfOlder(Path path, Instant than) throws IOException {
    synchronized (ages) {
      return Files.getLastModifiedTime(path).toInstant().isBefore(than)
          && Files.deleteIfExists(path);
    }
  }

  /** The file of a blob that is there: for reading alone. */
  public Path file(String sha256) {
    if (!isName(sha256)) {
      throw new IllegalArgumentException(
          "'" + sha256 + "' names no blob: expected 64 lower-case hexadecimal digits");
    }
    return path(sha256);
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
   * @throws NoRoomException if the disk cannot hold it
   * @throws IOException if it cannot be written
   */
  public Incoming receive(String sha256, long bytes) throws IOException {
    if (!isName(sha256)) {
      throw new IllegalArgumentException(
          "'" + sha256 + "' names no blob: expected 64 lower-case hexadecimal digits");
    }
    long expected = expectedBytes.addAndGet(bytes);
    try {
      long free = disk.usableBytes();
      if (free < expected + RESERVE_BYTES) {
        throw new NoRoomException(
            String.format(
                Locale.ROOT,
                "no room for a blob of %d bytes: %d are free under the coordinator's --state, %d"
                    + " are promised to other blobs on their way in and %d stay free; free some",
                bytes,
                free,
                expected - bytes,
                RESERVE_BYTES));
      }
      return new Incoming(sha256, bytes, Files.createTempFile(folder, PART, ""));
    } catch (IOException | RuntimeException e) {
      expectedBytes.addAndGet(-bytes);
      throw e;
    }
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
    private boolean closed;

    private Incoming(String sha256, long bytes, Path part) throws IOException {
      this.sha256 = sha256;
      this.bytes = bytes;
      this.part = part;
      this.out = FileChannel.open(part, StandardOpenOption.WRITE);
      this.digest = Sha256.newDigest();
    }

    /** What the blob is to be. */
    public String sha256() {
      return sha256;
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
      int more = data.remaining();
      written += more;
      expectedBytes.addAndGet(-more);
      digest.update(data.duplicate());
      try {
        while (data.hasRemaining()) {
          out.write(data);
        }
      } catch (IOException e) {
        throw explained(e);
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
      try {
        out.force(true);
      } catch (IOException e) {
        throw explained(e);
      }
      Path parent = Files.createDirectories(folder.resolve(sha256.substring(0, 2)));
      synchronized (ages) {
        Files.setLastModifiedTime(part, FileTime.from(clock.instant()));
        Files.move(
            part,
            parent.resolve(sha256),
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
      }
      force(parent);
      force(folder);
    }

    /** Some other program may have taken the room meanwhile; only the disk's state tells. */
    private IOException explained(IOException failure) throws IOException {
      return disk.usableBytes() < RESERVE_BYTES ? new NoRoomException(failure) : failure;
    }

    /** Has the names in a directory on disk for good, as the bytes are. */
    private static void force(Path directory) throws IOException {
      try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
        names.force(true);
      }
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      expectedBytes.addAndGet(written - bytes);
      out.close();
      Files.deleteIfExists(part);
    }
  }
}
