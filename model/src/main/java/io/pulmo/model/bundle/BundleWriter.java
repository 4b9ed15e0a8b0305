package io.pulmo.model.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A bundle in the making, in a folder beside its own: it appears whole and verified under its name,
 * or not at all.
 *
 * <p>For one thread. Closing without {@link #commit} removes what was written.
 */
public final class BundleWriter implements AutoCloseable {
  private final Path out;
  private @Nullable Path unfinished;

  private BundleWriter(Path out, Path unfinished) {
    this.out = out;
    this.unfinished = unfinished;
  }

  /** Writes the whole of one file. */
  @FunctionalInterface
  public interface Content {
    /** Creates the file and writes it. */
    void writeTo(Path file) throws IOException;
  }

  /**
   * Starts a bundle.
   *
   * @param out the bundle's folder, which must not exist; the folders above it are created
   * @throws BundleException if it exists
   */
  public static BundleWriter create(Path out) throws IOException {
    Path target = out.toAbsolutePath().normalize();
    requireNew(target);
    Path parent = Objects.requireNonNull(target.getParent(), "the root exists already");
    Files.createDirectories(parent);
    // Not createTempDirectory: its folder would be closed to others, and so would the bundle.
    Path unfinished = parent.resolve("." + target.getFileName() + "." + UUID.randomUUID());
    return new BundleWriter(target, Files.createDirectory(unfinished));
  }

  /**
   * Adds a file and forces it to disk.
   *
   * @param name its plain name
   * @return what the manifest lists
   */
  public FileEntry add(String name, Content content) throws IOException {
    FileEntry.requireName(name);
    Path file = folder().resolve(name);
    content.writeTo(file);
    force(file);
    return new FileEntry(name, Files.size(file), Sha256.of(file));
  }

  /** Adds a file of these bytes. */
  public FileEntry add(String name, byte[] bytes) throws IOException {
    return add(name, file -> Files.write(file, bytes));
  }

  /**
   * Adds a file of what a stream gives until its end.
   *
   * @param mostBytes more than this is refused
   */
  public FileEntry add(String name, InputStream bytes, long mostBytes) throws IOException {
    return add(
        name,
        file -> {
          try (var out = Files.newOutputStream(file)) {
            byte[] chunk = new byte[1 << 16];
            long written = 0;
            for (int read = bytes.read(chunk); read >= 0; read = bytes.read(chunk)) {
              written += read;
              if (written > mostBytes) {
                throw new BundleException(
                    name
                        + " is longer than "
                        + mostBytes
                        + " bytes, which was said to be its size");
              }
              out.write(chunk, 0, read);
            }
          }
        });
  }

  /**
   * Opens what was written, as {@link Bundle#open} does, and gives it its name.
   *
   * @throws BundleException if it is no whole bundle, or its folder has come to exist
   */
  public Bundle commit() throws IOException {
    Path folder = folder();
    Bundle checked = Bundle.open(folder);
    force(folder);
    requireNew(out);
    try {
      Files.move(folder, out, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileSystemException e) {
      requireNew(out);
      throw e;
    }
    unfinished = null;
    force(Objects.requireNonNull(out.getParent()));
    return new Bundle(out, checked.manifest(), checked.digest());
  }

  /** Removes what was written, unless it was committed. */
  @Override
  public void close() throws IOException {
    if (unfinished == null) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(unfinished)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(unfinished);
    unfinished = null;
  }

  private Path folder() {
    if (unfinished == null) {
      throw new IllegalStateException("this BundleWriter is closed or committed");
    }
    return unfinished;
  }

  private static void requireNew(Path out) throws BundleException {
    if (Files.exists(out, LinkOption.NOFOLLOW_LINKS)) {
      throw new BundleException(
          out + " exists, expected a new folder; remove it or name another one");
    }
  }

  /** A folder can be forced where it can be opened; elsewhere the file system has its own ways. */
  private static void force(Path path) throws IOException {
    boolean isFolder = Files.isDirectory(path);
    try (FileChannel channel =
        FileChannel.open(path, isFolder ? StandardOpenOption.READ : StandardOpenOption.WRITE)) {
      channel.force(true);
    } catch (IOException e) {
      if (!isFolder) {
        throw e;
      }
    }
  }
}
