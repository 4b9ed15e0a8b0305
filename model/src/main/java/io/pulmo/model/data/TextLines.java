package io.pulmo.model.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a text file, one at a time, by a reader that is bounded in all it keeps and knows
 * where it is.
 *
 * @param <E> what is thrown at a line that is refused
 */
final class TextLines<E extends Exception> {
  /** The longest name of an image, in characters. */
  static final int MAX_NAME = 255;

  private static final int MAX_LINE_BYTES = 512;
  private static final long MAX_BYTES = 1L << 30;
  private static final int MAX_SHOWN = 60;

  private final String name;
  private final Function<String, E> refusal;
  private final BufferedInputStream in;
  private final byte[] line = new byte[MAX_LINE_BYTES];
  private long bytes;
  private int number;

  /**
   * Begins before the first line of a plain text.
   *
   * @param name what messages call the file
   * @param refusal makes an exception of a message
   */
  TextLines(String name, InputStream in, Function<String, E> refusal) {
    this.name = name;
    this.in = new BufferedInputStream(in);
    this.refusal = refusal;
  }

  /** Reads the whole of a stream. */
  interface Parser<T, E extends Exception> {
    T parse(String nameForErrors, InputStream in) throws IOException, E;
  }

  /**
   * Reads a file, plain or gzip-compressed, whatever its name.
   *
   * @throws IOException if the file cannot be read or its compression is damaged; names it
   */
  static <T, E extends Exception> T read(Path file, Parser<T, E> parser) throws IOException, E {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file))) {
      raw.mark(2);
      boolean packed = raw.read() == 0x1F && raw.read() == 0x8B;
      raw.reset();
      return parser.parse(file.toString(), packed ? new GZIPInputStream(raw) : raw);
    } catch (ZipException | EOFException e) {
      throw new IOException(
          file + " is a damaged gzip file (" + e.getMessage() + "); fetch it again or unpack it",
          e);
    }
  }

  /** The next line without its end, which may be \n or \r\n; null after the last. */
  @Nullable String next() throws IOException, E {
    int length = 0;
    int c = in.read();
    if (c < 0) {
      return null;
    }
    number++;
    while (c >= 0 && c != '\n') {
      if (length == line.length) {
        throw error("a line of more than " + MAX_LINE_BYTES + " bytes", "a shorter one");
      }
      if (++bytes > MAX_BYTES) {
        throw error("more than " + MAX_BYTES + " bytes", "a smaller file");
      }
      line[length++] = (byte) c;
      c = in.read();
    }
    if (length > 0 && line[length - 1] == '\r') {
      length--;
    }
    return new String(line, 0, length, StandardCharsets.ISO_8859_1);
  }

  /** That this is a file name without folders, so that no list can point outside its folder. */
  void checkFileName(String image) throws E {
    boolean safe =
        !image.isEmpty() && image.length() <= MAX_NAME && !image.equals(".") && !image.equals("..");
    for (int i = 0; i < image.length(); i++) {
      char c = image.charAt(i);
      safe &= c > ' ' && c < 0x7F && c != '/' && c != '\\' && c != ':';
    }
    if (!safe) {
      throw error(
          "the image name '" + shown(image) + "'",
          "a plain file name of 1 to " + MAX_NAME + " printable ASCII characters without / \\ :");
    }
  }

  /** The refusal of the line that was read last. */
  E error(String found, String expected) {
    return refusal.apply(name + ", line " + number + ": found " + found + ", expected " + expected);
  }

  /** The beginning of a text, with what no terminal should be sent replaced. */
  static String shown(String text) {
    StringBuilder shown = new StringBuilder();
    for (char c : text.substring(0, Math.min(MAX_SHOWN, text.length())).toCharArray()) {
      shown.append(c >= ' ' && c < 0x7F ? c : '?');
    }
    return text.length() > MAX_SHOWN ? shown + "…" : shown.toString();
  }
}
