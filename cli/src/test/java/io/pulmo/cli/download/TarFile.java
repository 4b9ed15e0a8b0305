package io.pulmo.cli.download;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.zip.ZipEncodingHelper;

/** A packed tar file in the making, good or bad. */
public final class TarFile {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final TarArchiveOutputStream tar;

  /** Empty. */
  public TarFile() throws IOException {
    tar = new TarArchiveOutputStream(new GZIPOutputStream(bytes));
    tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
  }

  /** As NIH's: a folder and images in it, which differ by the seed. */
  public static byte[] ofImages(int first, int count, int imageBytes) throws IOException {
    TarFile file = new TarFile();
    file.folder("images/");
    for (int i = first; i < first + count; i++) {
      file.file("images/" + String.format(Locale.ROOT, "%08d_000.png", i), image(i, imageBytes));
    }
    return file.bytes();
  }

  /** What looks like a PNG file from outside. */
  public static byte[] image(int seed, int size) {
    byte[] image = new byte[size];
    new SplittableRandom(seed).nextBytes(image);
    byte[] signature = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    System.arraycopy(signature, 0, image, 0, signature.length);
    return image;
  }

  TarFile file(String name, byte[] content) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(name, true);
    entry.setSize(content.length);
    tar.putArchiveEntry(entry);
    tar.write(content);
    tar.closeArchiveEntry();
    return this;
  }

  TarFile folder(String name) throws IOException {
    tar.putArchiveEntry(new TarArchiveEntry(name, true));
    tar.closeArchiveEntry();
    return this;
  }

  TarFile link(String name, boolean symbolic, String target) throws IOException {
    TarArchiveEntry entry =
        new TarArchiveEntry(name, symbolic ? TarConstants.LF_SYMLINK : TarConstants.LF_LINK);
    entry.setLinkName(target);
    tar.putArchiveEntry(entry);
    tar.closeArchiveEntry();
    return this;
  }

  TarFile device(String name) throws IOException {
    tar.putArchiveEntry(new TarArchiveEntry(name, TarConstants.LF_CHR));
    tar.closeArchiveEntry();
    return this;
  }

  byte[] bytes() throws IOException {
    tar.close();
    return bytes.toByteArray();
  }

  /** A header that says more than follows. */
  static byte[] headerAlone(String name, long size, byte type) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(name, type, true);
    entry.setSize(size);
    byte[] header = new byte[512];
    entry.writeEntryHeader(header, ZipEncodingHelper.getZipEncoding("US-ASCII"), true);
    return header;
  }

  static byte[] packed(byte[]... parts) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      for (byte[] part : parts) {
        gzip.write(part);
      }
    }
    return bytes.toByteArray();
  }

  /** In hexadecimals. */
  public static String sha256(byte[] file) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(file));
  }

  /** A line of a list of archives. */
  public static String line(String name, Object address, byte[] file) throws Exception {
    return name + "\t" + address + "\t" + sha256(file) + "\n";
  }

  static byte[] text(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
