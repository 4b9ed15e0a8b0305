package io.pulmo.worker.data;

import io.pulmo.model.data.ImageManifest;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.worker.train.TrainingException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which of a job's images lie in this worker's folder, with their sizes and hashes. Immutable. */
public final class ImageIndex {
  private static final Logger log = LoggerFactory.getLogger(ImageIndex.class);

  /** More threads than that only make a disk seek. */
  private static final int MOST_THREADS = 4;

  private static final long SAVE_EVERY_SECONDS = 20;
  private static final int TRIES = 3;

  // A file system may give two versions of a file one time of change when they are this near.
  private static final Duration TOO_FRESH = Duration.ofSeconds(2);

  private final Path folder;
  private final List<String> names;
  private final Map<String, Integer> places;
  private final ImageManifest manifest;

  private ImageIndex(Path folder, List<String> names, ImageManifest manifest) {
    this.folder = folder;
    this.names = names;
    this.manifest = manifest;
    this.places = HashMap.newHashMap(names.size());
    for (int i = 0; i < names.size(); i++) {
      places.put(names.get(i), i);
    }
  }

  /**
   * Looks for the images and hashes those whose hash is not known yet, with a few threads of its
   * own; for a hundred thousand images that may take minutes.
   *
   * @param folder where there is one, and it exists; else all images are missing
   * @param names as {@link ImageManifest#names} gives them
   * @param caches the folder of hashes, which is kept from job to job
   * @param clock as the file system's
   * @throws TrainingException if an image cannot be read
   */
  public static ImageIndex build(
      Optional<Path> folder, List<String> names, Path caches, InstantSource clock)
      throws TrainingException, InterruptedException {
    if (folder.isEmpty() || !Files.isDirectory(folder.get())) {
      ImageManifest nothing = new ImageManifest.Draft(names.size()).finish();
      return new ImageIndex(folder.orElse(Path.of("")), names, nothing);
    }
    Path there = folder.get();
    return new Building(there, names, HashCache.open(caches, there), clock).run();
  }

  /** The indexing under way. */
  private static final class Building {
    private final Path folder;
    private final List<String> names;
    private final HashCache cache;
    private final InstantSource clock;
    private final ImageManifest.Draft draft;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger hashed = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    Building(Path folder, List<String> names, HashCache cache, InstantSource clock) {
      this.folder = folder;
      this.names = names;
      this.cache = cache;
      this.clock = clock;
      this.draft = new ImageManifest.Draft(names.size());
    }

    ImageIndex run() throws TrainingException, InterruptedException {
      // A pool that ends before it is waited for would not notice.
      if (Thread.interrupted()) {
        throw new InterruptedException("before the images were indexed");
      }
      int threads = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
      ExecutorService pool =
          Executors.newFixedThreadPool(
              threads, Thread.ofPlatform().daemon().name("image-index-", 0).factory());
      try {
        for (int i = 0; i < threads; i++) {
          pool.execute(this::work);
        }
        pool.shutdown();
        while (!pool.awaitTermination(SAVE_EVERY_SECONDS, TimeUnit.SECONDS)) {
          log.info("{}: {} of {} images indexed", folder, next.get(), names.size());
          cache.save();
        }
      } finally {
        pool.shutdownNow();
        if (hashed.get() > 0) {
          cache.save();
        }
      }
      Throwable why = failure.get();
      if (why instanceof IOException e) {
        throw TrainingException.onlyHere("the images cannot be indexed: " + e, e);
      }
      if (why != null) {
        throw new IllegalStateException("the images cannot be indexed", why);
      }
      return new ImageIndex(folder, names, draft.finish());
    }

    private void work() {
      try {
        for (int i = next.getAndIncrement();
            i < names.size() && failure.get() == null && !Thread.currentThread().isInterrupted();
            i = next.getAndIncrement()) {
          index(i);
        }
      } catch (IOException | RuntimeException | Error e) {
        failure.compareAndSet(null, e);
      }
    }

    private void index(int image) throws IOException {
      String name = names.get(image);
      Path file = folder.resolve(name);
      HashCache.Version version = version(file);
      if (version == null) {
        cache.remove(name);
        return;
      }
      if (version.bytes() > ImageLimits.MAX_FILE_BYTES) {
        log.warn(
            "{} has {} bytes, more than the {} that an image may have: as if it were not there",
            file,
            version.bytes(),
            ImageLimits.MAX_FILE_BYTES);
        return;
      }
      byte[] known = cache.find(name, version);
      if (known == null) {
        hash(image, file, version);
      } else {
        draft.put(image, (int) version.bytes(), known);
      }
    }

    private void hash(int image, Path file, HashCache.Version before) throws IOException {
      HashCache.Version version = before;
      for (int i = 0; i < TRIES; i++) {
        boolean settled =
            clock.millis() - version.modifiedNanos() / 1_000_000 > TOO_FRESH.toMillis();
        MessageDigest digest = Digests.sha256();
        long read = 0;
        try (InputStream in = Files.newInputStream(file)) {
          byte[] buffer = new byte[1 << 16];
          for (int n = in.read(buffer);
              n >= 0 && read <= ImageLimits.MAX_FILE_BYTES;
              n = in.read(buffer)) {
            digest.update(buffer, 0, n);
            read += n;
          }
        }
        HashCache.Version after = version(file);
        if (version.equals(after) && read == version.bytes()) {
          byte[] sha256 = digest.digest();
          draft.put(image, (int) read, sha256);
          if (settled) {
            cache.put(names.get(image), version, sha256);
            hashed.incrementAndGet();
          }
          return;
        }
        if (after == null) {
          break;
        }
        version = after;
      }
      throw new IOException(file + " changes while it is read: let it be written first");
    }

    /** Null where there is no such file. */
    private static HashCache.@Nullable Version version(Path file) throws IOException {
      BasicFileAttributes is;
      try {
        is = Files.readAttributes(file, BasicFileAttributes.class);
      } catch (NoSuchFileException e) {
        return null;
      }
      return is.isRegularFile()
          ? new HashCache.Version(is.size(), is.lastModifiedTime().to(TimeUnit.NANOSECONDS))
          : null;
    }
  }

  /** The images' names, in the manifest's order. */
  List<String> names() {
    return names;
  }

  /** What this worker holds. */
  public ImageManifest manifest() {
    return manifest;
  }

  /** Place of a name in the manifest, or null if the job's lists do not name it. */
  @Nullable Integer place(String name) {
    return places.get(name);
  }

  /** Where an image lies that the lists name. */
  Path file(int image) {
    return folder.resolve(names.get(image));
  }
}
