package io.pulmo.model.data;

import io.pulmo.model.Finding;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The images of one split and which of the fourteen findings each has.
 *
 * <p>A line is an image's name and fourteen zeros or ones in the order of {@link Finding}, with
 * spaces between. A name is a file name, so that no list can point outside the folder of images.
 * Lists are read strictly: the first bad line is an error. Immutable.
 */
public final class LabelList {
  private static final int MAX_LINES = 10_000_000;

  private final List<String> names;

  /** One bit a finding, one number an image. */
  private final short[] rows;

  private LabelList(List<String> names, short[] rows) {
    this.names = names;
    this.rows = rows;
  }

  /**
   * Reads a list, plain or gzip-compressed, whatever its name.
   *
   * @throws LabelListException if a line is bad, the list is empty or longer than ten million lines
   * @throws IOException if the file cannot be read or its compression is damaged; names it
   */
  public static LabelList read(Path file) throws IOException, LabelListException {
    return TextLines.read(file, LabelList::parse);
  }

  /**
   * Reads a plain list to the end of a stream, which is left open.
   *
   * @param nameForErrors what messages call the list
   * @throws LabelListException if a line is bad, the list is empty or longer than ten million lines
   * @throws IOException if the stream cannot be read
   */
  public static LabelList parse(String nameForErrors, InputStream in)
      throws IOException, LabelListException {
    TextLines<LabelListException> reader =
        new TextLines<>(nameForErrors, in, LabelListException::new);
    List<String> names = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    short[] rows = new short[1024];
    for (String line = reader.next(); line != null; line = reader.next()) {
      if (names.size() == MAX_LINES) {
        throw reader.error("one line too many", "at most " + MAX_LINES + " lines");
      }
      int space = line.indexOf(' ');
      String name = space < 0 ? line : line.substring(0, space);
      String labels = space < 0 ? "" : line.substring(space);
      reader.checkFileName(name);
      if (names.size() == rows.length) {
        rows = Arrays.copyOf(rows, 2 * rows.length);
      }
      rows[names.size()] = labels(reader, labels);
      if (!seen.add(name)) {
        throw reader.error("'" + name + "' a second time", "each image once");
      }
      names.add(name);
    }
    if (names.isEmpty()) {
      throw reader.error("no lines", "an image and its labels on each");
    }
    return new LabelList(List.copyOf(names), Arrays.copyOf(rows, names.size()));
  }

  private static short labels(TextLines<LabelListException> reader, String labels)
      throws LabelListException {
    // Exactly " d" fourteen times; otherwise look closer for a message that helps.
    int row = 0;
    boolean good = labels.length() == 2 * Finding.COUNT;
    for (int i = 0; good && i < Finding.COUNT; i++) {
      char digit = labels.charAt(2 * i + 1);
      good = labels.charAt(2 * i) == ' ' && (digit == '0' || digit == '1');
      row |= (digit - '0') << i;
    }
    if (good) {
      return (short) row;
    }
    String[] fields = labels.isEmpty() ? new String[0] : labels.substring(1).split(" ", -1);
    if (fields.length != Finding.COUNT) {
      throw reader.error(
          fields.length + " labels after the name", Finding.COUNT + ", single spaces between");
    }
    for (int i = 0; i < fields.length; i++) {
      if (!fields[i].equals("0") && !fields[i].equals("1")) {
        throw reader.error(
            "'" + TextLines.shown(fields[i]) + "' for " + Finding.ALL.get(i).label(), "0 or 1");
      }
    }
    throw new AssertionError(labels);
  }

  /** How many images there are: 1 or more. */
  public int size() {
    return rows.length;
  }

  /** The name of an image: a file name without folders. */
  public String name(int image) {
    return names.get(image);
  }

  /** Whether an image has a finding. */
  public boolean positive(int image, Finding finding) {
    return (rows[image] >> finding.ordinal() & 1) == 1;
  }

  /** Writes the fourteen labels of an image, 0 or 1, from an offset on. */
  public void labels(int image, float[] into, int offset) {
    for (int i = 0; i < Finding.COUNT; i++) {
      into[offset + i] = rows[image] >> i & 1;
    }
  }

  /** How many images have each finding, in the order of {@link Finding}. */
  public long[] positives() {
    long[] positives = new long[Finding.COUNT];
    for (short row : rows) {
      for (int i = 0; i < Finding.COUNT; i++) {
        positives[i] += row >> i & 1;
      }
    }
    return positives;
  }
}
