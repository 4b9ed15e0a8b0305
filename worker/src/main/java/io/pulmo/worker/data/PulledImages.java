package io.pulmo.worker.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A job's images that came from peers: a folder of files named by their SHA-256, of bounded size,
 * from which the least recently used go first. Safe for use by several threads.
 */
public final class PulledImages {
  // A file appears whole, by a move. Nothing is synced: after a power cut a file may lack bytes,
  // but its name says what they must be, and whoever reads it looks.

  private static final Logger log = LoggerFactory.getLogger(PulledImages.class);
  private static final Pattern NAME = Pattern.compile("[0-9a-f]{64}");
  private static final String PART = ".part-";
  private static final long MOST_BYTES = 32L << 30;

  private final Path folder;
  private final long mostBytes;

  /** Sizes by SHA-256, the least recently used first. */
  @GuardedBy("this")
  private final LinkedHashMap<String, Long> files = new LinkedHashMap<>(16, 0.75f, true);

  @GuardedBy("this")
  private long bytes;

  @GuardedBy("this")
  private boolean deleted;

  private PulledImages(Path folder, long mostBytes) {
    this.folder = folder;
    this.mostBytes = mostBytes;
  }

  /**
   * The images of a folder, which is made when first needed; what a pull left unfinished is
   * removed.
   *
   * @param mostBytes of all files together
   */
  public static PulledImages open(Path folder, long mostBytes) throws IOException {
    PulledImages images = new PulledImages(folder, mostBytes);
    images.adopt();
    return images;
  }

  /**
   * The images of a job, of which a worker has one at a time: those of any other go. They may take
   * half of the disk's free space, 32 GiB at most.
   *
   * @param all the folder of all jobs' images
   * @param jobId fit to be a folder's name
   */
  public static PulledImages ofJob(Path all, String jobId) throws IOException {
    Files.createDirectories(all);
    List<Path> jobs;
    try (Stream<Path> folders = Files.list(all)) {
      jobs = folders.toList();
    }
    for (Path job : jobs) {
      if (!job.equals(all.resolve(jobId))) {
        open(job, 0).delete();
      }
    }
    long free = Files.getFileStore(all).getUsableSpace();
    return open(all.resolve(jobId), Math.min(MOST_BYTES, free / 2));
  }

  private record Found(String sha256, long bytes, FileTime used) {}

  private synchronized void adopt() throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    List<Found> found = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path file : all) {
        String name = String.valueOf(file.getFileName());
        if (NAME.matcher(name).matches()) {
          found.add(new Found(name, Files.size(file), Files.getLastModifiedTime(file)));
        } else if (name.startsWith(PART)) {
          Files.delete(file);
        }
      }
    }
    found.sort(Comparator.comparing(Found::used));
    for (Found file : found) {
      files.put(file.sha256, file.bytes);
      bytes += file.bytes;
    }
    shrink();
  }

  /** The file with that SHA-256, as far as its name tells; it may go at any moment. */
  synchronized Optional<Path> find(String sha256) {
    return files.get(sha256) == null ? Optional.empty() : Optional.of(folder.resolve(sha256));
  }

  /** All bytes of an image, if it is there and they are what they should be. */
  Optional<byte[]> read(String sha256) {
    Optional<Path> file = find(sha256);
    if (file.isEmpty()) {
      return Optional.empty();
    }
    try {
      byte[] content = Files.readAllBytes(file.get());
      if (Digests.sha256(content).equals(sha256)) {
        return Optional.of(content);
      }
      log.warn("{} is damaged and is fetched again", file.get());
    } catch (IOException e) {
      log.debug("{} went while it was to be read", file.get(), e);
    }
    remove(sha256);
    return Optional.empty();
  }

  private synchronized void remove(String sha256) {
    Long size = files.remove(sha256);
    if (size != null) {
      bytes -= size;
      delete(folder.resolve(sha256));
    }
  }

  /** Keeps an image, if there is room for it; without, it is pulled again when next needed. */
  void put(String sha256, byte[] content) {
    if (content.length > mostBytes || isDeleted()) {
      return;
    }
    Path part = null;
    try {
      Files.createDirectories(folder);
      part = Files.createTempFile(folder, PART, "");
      Files.write(part, content);
      adopt(sha256, content.length, part);
    } catch (IOException e) {
      log.warn("a pulled image could not be kept in {}: {}", folder, e);
      if (part != null) {
        delete(part);
      }
    }
  }

  private synchronized boolean isDeleted() {
    return deleted;
  }

  private synchronized void adopt(String sha256, long size, Path part) throws IOException {
    if (deleted) {
      delete(part);
      delete(folder);
      return;
    }
    Files.move(
        part,
        folder.resolve(sha256),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    Long before = files.put(sha256, size);
    bytes += size - (before == null ? 0 : before);
    shrink();
  }

  @GuardedBy("this")
  private void shrink() {
    Iterator<Map.Entry<String, Long>> oldest = files.entrySet().iterator();
    while (bytes > mostBytes && oldest.hasNext()) {
      Map.Entry<String, Long> file = oldest.next();
      bytes -= file.getValue();
      delete(folder.resolve(file.getKey()));
      oldest.remove();
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("{} could not be removed: {}", file, e);
    }
  }

  /** Of all files together. */
  public synchronized long bytes() {
    return bytes;
  }

  /** Removes the folder: the job is over. Whatever comes later is not kept. */
  public synchronized void delete() {
    deleted = true;
    for (String sha256 : files.keySet()) {
      delete(folder.resolve(sha256));
    }
    files.clear();
    bytes = 0;
    try {
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      // A pull that ends now removes its own part; the next job's folder is another.
      log.debug("{} is not empty yet", folder, e);
    }
  }
}
