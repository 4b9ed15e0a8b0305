package io.pulmo.model.data;

import io.pulmo.model.Finding;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one of NIH's CSV files.
 *
 * <p>These files quote nothing: the header's {@code Bbox [x,y,w,h]} is four columns. What is empty
 * at the end of a line is dropped, since some releases end their lines with commas.
 */
final class NihTable {
  /** Images, boxes or names in one file. */
  static final int MAX_ROWS = 1_000_000;

  private static final String BYTE_ORDER_MARK = "\u00EF\u00BB\u00BF";

  private final TextLines<MetadataException> lines;
  private final List<List<String>> headers;
  private String[] fields = {};
  private int rows;

  /**
   * Begins before the first row.
   *
   * @param headers the spellings of each column's head, without the empty ones at the end
   * @throws MetadataException if the first line is none of them
   */
  NihTable(String name, InputStream in, List<List<String>> headers)
      throws IOException, MetadataException {
    this.lines = new TextLines<>(name, in, MetadataException::new);
    this.headers = headers;
    String first = lines.next();
    String header = first == null ? "" : first;
    String[] heads =
        split(
            header.startsWith(BYTE_ORDER_MARK)
                ? header.substring(BYTE_ORDER_MARK.length())
                : header);
    boolean known = heads.length == headers.size();
    for (int i = 0; known && i < heads.length; i++) {
      known = headers.get(i).contains(heads[i]);
    }
    if (!known) {
      throw lines.error(
          "the header '" + TextLines.shown(header) + "'",
          "'" + headers.stream().map(List::getFirst).collect(Collectors.joining(",")) + "'");
    }
  }

  /** Moves to the next row; false after the last. */
  boolean next() throws IOException, MetadataException {
    String line = lines.next();
    if (line == null) {
      if (rows == 0) {
        throw lines.error("no rows", "a row a line after the header");
      }
      return false;
    }
    if (++rows > MAX_ROWS) {
      throw lines.error("one row too many", "at most " + MAX_ROWS);
    }
    if (line.indexOf('"') >= 0) {
      throw lines.error("a quote", "plain fields with commas between, as NIH writes them");
    }
    fields = split(line);
    if (fields.length != headers.size()) {
      throw lines.error(fields.length + " fields", headers.size() + " as in the header");
    }
    return true;
  }

  private static String[] split(String line) {
    String[] fields = line.split(",", -1);
    int length = fields.length;
    while (length > 0 && fields[length - 1].isEmpty()) {
      length--;
    }
    return Arrays.copyOf(fields, length);
  }

  /** A field of the row as it stands. */
  String text(int column) {
    return fields[column];
  }

  /** A field that names an image. */
  String image(int column) throws MetadataException {
    lines.checkFileName(fields[column]);
    return fields[column];
  }

  /** A whole number in decimal digits. */
  int whole(int column, int least, int most) throws MetadataException {
    String field = fields[column];
    if (!field.isEmpty()
        && field.length() <= 9
        && field.chars().allMatch(c -> c >= '0' && c <= '9')) {
      int value = Integer.parseInt(field);
      if (value >= least && value <= most) {
        return value;
      }
    }
    throw wrong(column, "a whole number from " + least + " to " + most);
  }

  /** A number in decimal digits, with or without a point. */
  double number(int column, double least, double most) throws MetadataException {
    String field = fields[column];
    if (field.length() <= 24 && decimal(field)) {
      double value = Double.parseDouble(field);
      if (value >= least && value <= most) {
        return value;
      }
    }
    throw wrong(column, "a number from " + least + " to " + most);
  }

  /** Digits, then perhaps a point and digits: no sign, exponent, hexadecimals or NaN. */
  private static boolean decimal(String field) {
    int point = field.indexOf('.');
    String digits = point < 0 ? field : field.substring(0, point) + field.substring(point + 1);
    return point != 0
        && point != field.length() - 1
        && !digits.isEmpty()
        && digits.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  /** The constant with this name. */
  <T extends Enum<T>> T oneOf(int column, T[] values) throws MetadataException {
    for (T value : values) {
      if (value.name().equals(fields[column])) {
        return value;
      }
    }
    throw wrong(
        column,
        "one of " + Arrays.stream(values).map(Enum::name).collect(Collectors.joining(", ")));
  }

  /** The finding with exactly this spelling; null if there is none. */
  static @Nullable Finding finding(String label) {
    for (Finding finding : Finding.ALL) {
      if (finding.label().equals(label)) {
        return finding;
      }
    }
    return null;
  }

  /** The refusal of one field of the row. */
  MetadataException wrong(int column, String expected) {
    return wrong(column, fields[column], expected);
  }

  /** The refusal of a part of a field. */
  MetadataException wrong(int column, String found, String expected) {
    return lines.error(
        "'" + TextLines.shown(found) + "' as " + headers.get(column).getFirst(), expected);
  }

  /** Columns by their heads; where releases differ, with a bar between the spellings. */
  static List<List<String>> columns(String... heads) {
    return Arrays.stream(heads).map(head -> List.of(head.split("\\|", -1))).toList();
  }
}
