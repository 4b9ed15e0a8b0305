package io.pulmo.model.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The names in one of NIH's own lists, {@code train_val_list.txt} or {@code test_list.txt}: one a
 * line.
 *
 * @param file what messages call the list
 * @param names one or more, each once; the name at index i is on line i + 1
 */
public record NihNames(String file, List<String> names) {
  /** Copies the names. */
  public NihNames {
    names = List.copyOf(names);
  }

  /**
   * Reads a list, plain or gzip-compressed.
   *
   * @throws MetadataException if a line is no file name, or there twice, or there are more than a
   *     million, or none
   * @throws IOException if the file cannot be read or its compression is damaged; names it
   */
  public static NihNames read(Path file) throws IOException, MetadataException {
    return TextLines.read(file, NihNames::parse);
  }

  static NihNames parse(String nameForErrors, InputStream in)
      throws IOException, MetadataException {
    TextLines<MetadataException> lines = new TextLines<>(nameForErrors, in, MetadataException::new);
    List<String> names = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String line = lines.next(); line != null; line = lines.next()) {
      lines.checkFileName(line);
      if (!seen.add(line)) {
        throw lines.error("'" + line + "' a second time", "each image once");
      }
      if (names.size() == NihTable.MAX_ROWS) {
        throw lines.error("one name too many", "at most " + NihTable.MAX_ROWS);
      }
      names.add(line);
    }
    if (names.isEmpty()) {
      throw lines.error("no lines", "the name of an image on each");
    }
    return new NihNames(nameForErrors, names);
  }

  MetadataException wrong(int index, String found, String expected) {
    return new MetadataException(
        file + ", line " + (index + 1) + ": found " + found + ", expected " + expected);
  }
}
