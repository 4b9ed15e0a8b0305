package io.pulmo.cli.download;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;

/**
 * An archive's PNG files, written into an empty folder.
 *
 * <p>Only plain files {@code images/NAME.png} are written, and by their last name alone, so that
 * nothing is written outside the folder. An entry that would lead elsewhere if another program
 * unpacked it (a path upwards, an absolute one, a link, a device) refuses the archive as a whole;
 * what is merely something else (a read-me, a hidden file) is left out and told.
 */
final class Unpacking {
  /** NIH's largest archives hold 10,000. */
  static final int MAX_ENTRIES = 100_000;

  /** NIH's images are below 2 MB. */
  static final long MAX_ENTRY_BYTES = 64L << 20;

  private static final long MAX_TOTAL_BYTES = 64L << 30;

  /** Of headers before an entry, long names among them. */
  private static final long MAX_HEADER_BYTES = 1 << 20;

  private static final int MAX_LEFT_OUT_NAMED = 16;
  private static final byte[] PNG = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

  /**
   * What was written.
   *
   * @param bytes each image's size, by its file name
   * @param leftOut names of the first entries that are no images
   */
  record Unpacked(Map<String, Long> bytes, List<String> leftOut) {}

  private final Path folder;
  private final Map<String, Long> bytes = new LinkedHashMap<>();
  private final List<String> leftOut = new ArrayList<>();

  private Unpacking(Path folder) {
    this.folder = folder;
  }

  /**
   * Unpacks.
   *
   * @param progress told how many images are written
   * @throws IOException if the archive is damaged or refused, or a file cannot be written
   */
  static Unpacked unpack(Path archive, Path folder, LongConsumer progress) throws IOException {
    Unpacking unpacking = new Unpacking(folder);
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(archive), 1 << 16)) {
      unpacking.readAll(raw, progress);
    } catch (EOFException | ZipException e) {
      throw new IOException("it is a damaged gzip file (" + e.getMessage() + ")", e);
    }
    if (unpacking.bytes.isEmpty()) {
      throw new IOException("it holds no file images/NAME.png");
    }
    return new Unpacked(unpacking.bytes, unpacking.leftOut);
  }

  private void readAll(InputStream raw, LongConsumer progress) throws IOException {
    BoundedInput bounded =
        new BoundedInput(
            new GZIPInputStream(raw, 1 << 16),
            "it has headers of more than " + MAX_HEADER_BYTES + " bytes");
    bounded.allow(MAX_HEADER_BYTES);
    TarArchiveInputStream tar = new TarArchiveInputStream(bounded);
    long total = 0;
    int entries = 0;
    for (TarArchiveEntry entry = next(tar); entry != null; entry = next(tar)) {
      String name = check(entry);
      total += entry.getSize();
      if (++entries > MAX_ENTRIES || total > MAX_TOTAL_BYTES) {
        throw new IOException(
            "it holds more than " + MAX_ENTRIES + " entries or " + MAX_TOTAL_BYTES + " bytes");
      }
      // The entry's own bytes and, before the next one, its padding.
      bounded.allow(entry.getSize() + MAX_HEADER_BYTES);
      if (name.isEmpty()) {
        tar.skipNBytes(entry.getSize());
      } else {
        write(tar, entry, name);
        progress.accept(bytes.size());
      }
      bounded.allow(MAX_HEADER_BYTES);
    }
    // To the end, where gzip has its checksum.
    byte[] rest = new byte[8192];
    while (bounded.read(rest, 0, rest.length) >= 0) {
      // Padding.
    }
  }

  private static TarArchiveEntry next(TarArchiveInputStream tar) throws IOException {
    try {
      return tar.getNextEntry();
    } catch (IllegalArgumentException e) {
      // How the reader refuses some headers.
      throw new IOException("it is a damaged tar file (" + e.getMessage() + ")", e);
    }
  }

  /** The name under which an entry is written; empty for one to leave out. */
  private String check(TarArchiveEntry entry) throws IOException {
    String path = entry.getName();
    List<String> parts = Arrays.asList(path.split("/", -1));
    if (path.startsWith("/")
        || path.indexOf('\\') >= 0
        || path.indexOf('\0') >= 0
        || parts.contains("..")) {
      throw refused(entry, "a path below the folder");
    }
    // By the flag: the reader's isFile() takes devices for files.
    byte flag = entry.getLinkFlag();
    if (flag != TarConstants.LF_NORMAL
        && flag != TarConstants.LF_OLDNORM
        && flag != TarConstants.LF_DIR) {
      throw refused(entry, "plain files and folders");
    }
    if (entry.isSparse()) {
      throw refused(entry, "no sparse files");
    }
    if (entry.getSize() < 0 || entry.getSize() > MAX_ENTRY_BYTES) {
      throw refused(entry, "at most " + MAX_ENTRY_BYTES + " bytes, not " + entry.getSize());
    }
    if (entry.isDirectory()) {
      return "";
    }
    List<String> below = parts.get(0).equals(".") ? parts.subList(1, parts.size()) : parts;
    String last = below.isEmpty() ? "" : below.getLast();
    if (below.size() == 2
        && below.get(0).equals("images")
        && last.matches("[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}\\.png")) {
      return last;
    }
    if (leftOut.size() < MAX_LEFT_OUT_NAMED) {
      leftOut.add(shown(path));
    }
    return "";
  }

  private void write(TarArchiveInputStream tar, TarArchiveEntry entry, String name)
      throws IOException {
    byte[] head = tar.readNBytes((int) Math.min(PNG.length, entry.getSize()));
    if (!Arrays.equals(head, PNG)) {
      throw refused(entry, "a PNG file");
    }
    // Exists already: the archive has it twice.
    try (OutputStream out =
        new BufferedOutputStream(
            Files.newOutputStream(
                folder.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            1 << 16)) {
      out.write(head);
      long written = head.length + tar.transferTo(out);
      if (written != entry.getSize()) {
        throw refused(entry, entry.getSize() + " bytes, not " + written);
      }
    }
    bytes.put(name, entry.getSize());
  }

  private static IOException refused(TarArchiveEntry entry, String expected) {
    return new IOException("it holds '" + shown(entry.getName()) + "', expected " + expected);
  }

  private static String shown(String path) {
    String printable = path.replaceAll("[^ -~]", "?");
    return printable.length() <= 80 ? printable : printable.substring(0, 80) + "…";
  }

  /** Removes a folder and what lies in it; links are removed, not followed. */
  static void remove(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
