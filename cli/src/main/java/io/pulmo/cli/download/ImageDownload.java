package io.pulmo.cli.download;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.Progress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The images of a list of archives in a folder's {@code images}, archive by archive: fetched,
 * checked by SHA-256, unpacked into a folder beside, moved, and then recorded as done.
 *
 * <p>Whatever moment it is killed at, the next run goes on from what lies there: a part file is
 * resumed, a whole archive is checked again, a record counts only if every image is there with its
 * size. So {@code images} never holds part of an image. One run works in a folder at a time.
 */
public final class ImageDownload {
  /** PNG files do not shrink; on disk they take whole blocks. */
  private static final double UNPACKED = 1.05;

  /** What to do, and by what means. */
  record Means(Transfer.Timing timing, FreeSpace freeSpace, Consumer<String> notes) {}

  /** How many bytes may still be written beside a file. */
  interface FreeSpace {
    long bytes(Path folder) throws IOException;
  }

  private final Path out;
  private final Path images;
  private final Path state;
  private final List<Archive> archives;
  private final boolean keepArchives;
  private final boolean quiet;
  private final Means means;

  /** Which archive each image that is there came from. */
  private final Map<String, String> origins = new HashMap<>();

  /**
   * Prepares; {@link #run} does the work.
   *
   * @param out the folder, made if need be
   * @param keepArchives whether the archives stay in it after they are unpacked
   * @param quiet true for no progress
   */
  public static ImageDownload to(
      Path out, List<Archive> archives, boolean keepArchives, boolean quiet) {
    Consumer<String> notes = quiet ? note -> {} : note -> System.err.println("pulmo: " + note);
    return new ImageDownload(
        out,
        archives,
        keepArchives,
        quiet,
        new Means(
            Transfer.Timing.REAL, folder -> Files.getFileStore(folder).getUsableSpace(), notes));
  }

  ImageDownload(
      Path out, List<Archive> archives, boolean keepArchives, boolean quiet, Means means) {
    this.out = out;
    this.images = out.resolve("images");
    this.state = out.resolve(".download");
    this.archives = List.copyOf(archives);
    this.keepArchives = keepArchives;
    this.quiet = quiet;
    this.means = means;
  }

  /**
   * Fetches what is not there yet.
   *
   * @return how many images there are
   * @throws CommandFailure if another run is at work in the folder, the disk is too small, or an
   *     archive cannot be had or is refused
   * @throws IOException if a file cannot be read or written
   */
  public int run() throws IOException, InterruptedException {
    Files.createDirectories(state);
    Files.createDirectories(images);
    if (!Files.isDirectory(images, LinkOption.NOFOLLOW_LINKS)) {
      throw CommandFailure.work(
          images
              + " is a link, expected a folder; give --out on the disk that the images shall use");
    }
    Path lockFile = state.resolve("lock");
    try (FileChannel channel =
            FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = lock(channel);
        Transfer transfer = new Transfer(means.timing(), means.notes())) {
      if (lock == null) {
        throw CommandFailure.work(
            out + " is in use by another download, which holds " + lockFile + "; wait for its end");
      }
      List<Archive> pending = pending();
      checkSpace(pending, transfer);
      for (Archive archive : pending) {
        complete(archive, transfer);
      }
      return origins.size();
    }
  }

  private static @Nullable FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  /** The archives whose images are not all there. */
  private List<Archive> pending() throws IOException {
    List<Archive> pending = new ArrayList<>();
    for (Archive archive : archives) {
      Optional<Done> done = Done.read(record(archive));
      int missing =
          done.filter(d -> d.sha256().equals(archive.sha256()))
              .map(d -> d.missing(images))
              .orElse(-1);
      if (missing != 0) {
        if (missing > 0) {
          means.notes().accept(missing + " images of " + archive.name() + " are gone or altered");
        }
        pending.add(archive);
        continue;
      }
      done.get().bytes().keySet().forEach(image -> origins.put(image, archive.name()));
      if (!done.get().archiveKept() && !keepArchives) {
        // Killed between record and removal.
        Files.deleteIfExists(whole(archive));
      }
    }
    return pending;
  }

  private Path record(Archive archive) {
    return state.resolve(archive.name() + ".done");
  }

  private Path whole(Archive archive) {
    return out.resolve(archive.name());
  }

  private Path part(Archive archive) {
    return out.resolve(archive.name() + ".part");
  }

  /** Refuses at once what would fail in hours: the most that will lie there at any one time. */
  private void checkSpace(List<Archive> pending, Transfer transfer)
      throws IOException, InterruptedException {
    double used = 0;
    double most = 0;
    boolean reachable = true;
    for (Archive archive : pending) {
      long there = Transfer.length(whole(archive));
      OptionalLong size = there > 0 ? OptionalLong.of(there) : OptionalLong.empty();
      if (there == 0) {
        there = Transfer.length(part(archive));
        try {
          size = reachable ? transfer.size(archive.address()) : size;
        } catch (IOException e) {
          // The fetch will say so, after its tries.
          reachable = false;
        }
      }
      long bytes = Math.max(size.orElse(there), there);
      most = Math.max(most, used + bytes - there + UNPACKED * bytes);
      used += (keepArchives ? bytes - there : -there) + UNPACKED * bytes;
    }
    if (!pending.isEmpty()) {
      String what =
          (pending.size() == 1 ? "1 archive with its" : pending.size() + " archives with their")
              + " images";
      requireSpace(most, what);
      means
          .notes()
          .accept(
              String.format(
                  Locale.ROOT,
                  "%s to come: %.1f GB needed, %.1f GB free in %s",
                  what,
                  most / 1e9,
                  means.freeSpace().bytes(out) / 1e9,
                  out));
    }
  }

  private void requireSpace(double needed, String what) throws IOException {
    long free = means.freeSpace().bytes(out);
    if (needed > free) {
      throw CommandFailure.environment(
          String.format(
              Locale.ROOT,
              "%s has %.1f GB free, expected %.1f GB for %s; make room or give --out on another disk",
              out,
              free / 1e9,
              needed / 1e9,
              what));
    }
  }

  private void complete(Archive archive, Transfer transfer)
      throws IOException, InterruptedException {
    if (Files.exists(whole(archive)) && !matches(archive, whole(archive))) {
      means
          .notes()
          .accept(whole(archive) + " is not the archive of the list, or a part of it; going on");
      // If it is a beginning, it is resumed.
      Files.move(
          whole(archive),
          part(archive),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    }
    if (!Files.exists(whole(archive))) {
      fetch(archive, transfer);
    }
    unpack(archive);
  }

  private void fetch(Archive archive, Transfer transfer) throws IOException, InterruptedException {
    Path part = part(archive);
    for (int downloads = 1; ; downloads++) {
      try (Bar bar = new Bar(archive)) {
        transfer.fetch(archive.address(), part, bar);
      }
      String found = sha256(part, archive);
      if (found.equals(archive.sha256())) {
        Files.move(part, whole(archive), StandardCopyOption.ATOMIC_MOVE);
        Files.deleteIfExists(Transfer.tagFile(part));
        return;
      }
      Transfer.forget(part);
      if (downloads == 2) {
        throw CommandFailure.work(
            archive.name()
                + ": what "
                + archive.address()
                + " sends has the SHA-256 "
                + found
                + ", expected "
                + archive.sha256()
                + "\nfetched twice; nothing of it was unpacked. A proxy may alter it, or the list is"
                + " not of this file");
      }
      means.notes().accept(archive.name() + " has come with wrong bytes; fetching it again");
    }
  }

  /** The bar of one archive's bytes, from wherever the server begins. */
  private final class Bar implements Transfer.Listener, AutoCloseable {
    private final Archive archive;
    private @Nullable Progress progress;

    Bar(Archive archive) {
      this.archive = archive;
    }

    @Override
    public void begins(long have, long total) throws IOException {
      if (total > 0) {
        requireSpace(total - have + UNPACKED * total, archive.name() + " and its images");
      }
      close();
      progress = Progress.bytes(task(archive), have, total, quiet);
    }

    @Override
    public void at(long have) {
      if (progress != null) {
        progress.at(have);
      }
    }

    @Override
    public void close() {
      if (progress != null) {
        progress.close();
        progress = null;
      }
    }
  }

  private String task(Archive archive) {
    return archive.name() + " (" + (archives.indexOf(archive) + 1) + "/" + archives.size() + ")";
  }

  private boolean matches(Archive archive, Path file) throws IOException {
    return sha256(file, archive).equals(archive.sha256());
  }

  private String sha256(Path file, Archive archive) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
    byte[] buffer = new byte[1 << 20];
    try (InputStream in = Files.newInputStream(file);
        Progress progress =
            Progress.bytes("checking " + archive.name(), 0, Files.size(file), quiet)) {
      long done = 0;
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
        done += read;
        progress.at(done);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private void unpack(Archive archive) throws IOException {
    Path beside = state.resolve("unpacking");
    Unpacking.remove(beside);
    Files.createDirectory(beside);
    requireSpace(UNPACKED * Files.size(whole(archive)), "the images of " + archive.name());
    Unpacking.Unpacked unpacked;
    try (Progress progress = Progress.start("unpacking " + archive.name(), " images", -1, quiet)) {
      unpacked = Unpacking.unpack(whole(archive), beside, progress::at);
    } catch (IOException e) {
      Unpacking.remove(beside);
      throw CommandFailure.work(
          whole(archive) + ": " + e.getMessage() + "; nothing of it was unpacked");
    }
    for (String image : unpacked.bytes().keySet()) {
      String other = origins.putIfAbsent(image, archive.name());
      if (other != null) {
        Unpacking.remove(beside);
        throw CommandFailure.work(
            whole(archive) + ": it holds " + image + ", which came from " + other + " already");
      }
    }
    for (String image : unpacked.bytes().keySet()) {
      Files.move(
          beside.resolve(image),
          images.resolve(image),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    }
    new Done(archive.sha256(), keepArchives, new LinkedHashMap<>(unpacked.bytes()))
        .write(record(archive));
    Unpacking.remove(beside);
    if (!keepArchives) {
      Files.delete(whole(archive));
    }
    if (!unpacked.leftOut().isEmpty()) {
      means
          .notes()
          .accept(
              archive.name()
                  + " also holds "
                  + String.join(", ", unpacked.leftOut())
                  + ": left out");
    }
  }
}
