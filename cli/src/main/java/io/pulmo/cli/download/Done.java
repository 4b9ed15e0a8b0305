package io.pulmo.cli.download;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * That an archive's images lie in the folder: its checksum, and each image's size.
 *
 * @param sha256 of the archive they came from
 * @param archiveKept whether the archive was to stay; false if it may be removed
 * @param bytes each image's size, by its file name
 */
record Done(String sha256, boolean archiveKept, Map<String, Long> bytes) {
  private static final String KEPT = "archive kept";
  private static final String REMOVED = "archive removed";

  /** Reads it; empty if there is none, or none that can be trusted. */
  static Optional<Done> read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    List<String> lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
    // The last line tells that all are there.
    if (lines.size() < 3 || !lines.getLast().equals("images " + (lines.size() - 3))) {
      return Optional.empty();
    }
    boolean kept = lines.get(1).equals(KEPT);
    Map<String, Long> bytes = new LinkedHashMap<>();
    for (String line : lines.subList(2, lines.size() - 1)) {
      if (!line.matches("[A-Za-z0-9_.-]+ [0-9]{1,18}")) {
        return Optional.empty();
      }
      int space = line.indexOf(' ');
      bytes.put(line.substring(0, space), Long.parseLong(line.substring(space + 1)));
    }
    return kept || lines.get(1).equals(REMOVED)
        ? Optional.of(new Done(lines.get(0), kept, bytes))
        : Optional.empty();
  }

  /** Writes it; it appears whole or not at all. */
  void write(Path file) throws IOException {
    StringBuilder lines = new StringBuilder();
    lines.append(sha256).append('\n').append(archiveKept ? KEPT : REMOVED).append('\n');
    bytes.forEach((name, size) -> lines.append(name).append(' ').append(size).append('\n'));
    lines.append("images ").append(bytes.size()).append('\n');
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    Files.writeString(temporary, lines, StandardCharsets.ISO_8859_1);
    Files.move(
        temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** How many of the images are not in the folder with their size. */
  int missing(Path images) {
    int missing = 0;
    for (Map.Entry<String, Long> image : bytes.entrySet()) {
      try {
        BasicFileAttributes found =
            Files.readAttributes(
                images.resolve(image.getKey()),
                BasicFileAttributes.class,
                LinkOption.NOFOLLOW_LINKS);
        missing += found.isRegularFile() && found.size() == image.getValue() ? 0 : 1;
      } catch (IOException e) {
        missing++;
      }
    }
    return missing;
  }
}
