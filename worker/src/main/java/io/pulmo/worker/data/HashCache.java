package io.pulmo.worker.data;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SHA-256 of the files of one folder, on disk, so that none is read again while its size and time
 * of change stay. Safe for use by several threads.
 */
final class HashCache {
  // One file a folder: a magic number, the folder, the entries, and the SHA-256 of all that. What
  // is not whole is as if it were not there. The file replaces its predecessor in one move.

  private static final Logger log = LoggerFactory.getLogger(HashCache.class);
  private static final long MAGIC = 0x50554c4d4f483031L;
  private static final int DIGEST_BYTES = 32;
  private static final int MOST_ENTRIES = 1_000_000;
  private static final int NAME_DIGITS = 32;

  /**
   * What tells versions of a file apart.
   *
   * @param bytes its size
   * @param modifiedNanos since 1970, as precise as the file system has it
   */
  record Version(long bytes, long modifiedNanos) {}

  private record Entry(Version version, byte[] sha256) {}

  private final Path file;
  private final String folder;
  private final Map<String, Entry> entries = new ConcurrentHashMap<>();

  private HashCache(Path file, String folder) {
    this.file = file;
    this.folder = folder;
  }

  /**
   * The cache of a folder.
   *
   * @param caches where caches lie
   */
  static HashCache open(Path caches, Path folder) {
    String path = folder.toAbsolutePath().normalize().toString();
    String id = Digests.sha256(path.getBytes(StandardCharsets.UTF_8)).substring(0, NAME_DIGITS);
    HashCache cache = new HashCache(caches.resolve(id), path);
    try {
      cache.entries.putAll(cache.read());
    } catch (NoSuchFileException e) {
      log.debug("no hashes of {} yet", path);
    } catch (IOException e) {
      log.warn("the cached hashes of {} cannot be used and are computed again: {}", path, e);
    }
    return cache;
  }

  private Map<String, Entry> read() throws IOException {
    MessageDigest digest = Digests.sha256();
    try (DataInputStream in =
        new DataInputStream(
            // above the buffer: it must not have seen what comes after the entries
            new DigestInputStream(
                new BufferedInputStream(Files.newInputStream(file), 1 << 16), digest))) {
      if (in.readLong() != MAGIC || !in.readUTF().equals(folder)) {
        throw new IOException(file + " holds something else");
      }
      int count = in.readInt();
      if (count < 0 || count > MOST_ENTRIES) {
        throw new IOException(file + " claims " + count + " entries");
      }
      Map<String, Entry> read = new HashMap<>();
      for (int i = 0; i < count; i++) {
        String name = in.readUTF();
        Version version = new Version(in.readLong(), in.readLong());
        byte[] sha256 = new byte[DIGEST_BYTES];
        in.readFully(sha256);
        read.put(name, new Entry(version, sha256));
      }
      byte[] computed = digest.digest();
      byte[] stored = new byte[DIGEST_BYTES];
      in.readFully(stored);
      if (!Arrays.equals(computed, stored) || in.read() >= 0) {
        throw new IOException(file + " is damaged");
      }
      return read;
    }
  }

  /** The SHA-256 of a file's version, or null if it is not known. */
  byte @Nullable [] find(String name, Version version) {
    Entry entry = entries.get(name);
    return entry != null && entry.version.equals(version) ? entry.sha256 : null;
  }

  void put(String name, Version version, byte[] sha256) {
    entries.put(name, new Entry(version, sha256.clone()));
  }

  void remove(String name) {
    entries.remove(name);
  }

  /** Puts on disk what is known; a cache that cannot be written costs time later, nothing else. */
  void save() {
    Map<String, Entry> now = Map.copyOf(entries);
    Path draft = file.resolveSibling(file.getFileName() + ".draft");
    try {
      Files.createDirectories(file.getParent() == null ? Path.of(".") : file.getParent());
      write(draft, now);
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      log.warn(
          "the hashes of {} could not be kept and are computed again next time: {}", folder, e);
    }
  }

  private void write(Path draft, Map<String, Entry> entries) throws IOException {
    MessageDigest digest = Digests.sha256();
    try (DataOutputStream out =
        new DataOutputStream(
            new BufferedOutputStream(
                new DigestOutputStream(Files.newOutputStream(draft), digest), 1 << 16))) {
      out.writeLong(MAGIC);
      out.writeUTF(folder);
      int count = Math.min(entries.size(), MOST_ENTRIES);
      out.writeInt(count);
      int written = 0;
      for (Map.Entry<String, Entry> entry : entries.entrySet()) {
        if (written++ == count) {
          break;
        }
        out.writeUTF(entry.getKey());
        out.writeLong(entry.getValue().version.bytes);
        out.writeLong(entry.getValue().version.modifiedNanos);
        out.write(entry.getValue().sha256);
      }
      out.flush();
      out.write(digest.digest());
    }
  }
}
