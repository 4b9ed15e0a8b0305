package io.pulmo.serving.backend;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder in which OpenVINO keeps what it compiled, one folder a bundle: compiling a quantized
 * network takes seconds, reading it back a fraction of one.
 *
 * <p>Those of the bundles that were used last are kept. OpenVINO itself tells what it compiled by
 * another release, for another processor or of another file, and does not use it.
 *
 * @param folder where, made when needed
 */
public record CompiledModels(Path folder) {
  private static final Logger log = LoggerFactory.getLogger(CompiledModels.class);
  private static final int MOST_BUNDLES = 8;
  private static final int NAME_CHARACTERS = 16;

  /**
   * The folder of a bundle; empty if there can be none, which costs time alone.
   *
   * @param digest the bundle's
   */
  public Optional<Path> of(String digest, Clock clock) {
    Path own = folder.resolve(digest.substring(0, NAME_CHARACTERS));
    try {
      Files.createDirectories(own);
      Files.setLastModifiedTime(own, FileTime.from(clock.instant()));
      removeOldest();
      return Optional.of(own);
    } catch (IOException | UncheckedIOException e) {
      log.warn("Compiled models are not kept in {}: {}", folder, String.valueOf(e));
      return Optional.empty();
    }
  }

  private void removeOldest() throws IOException {
    record Used(Path folder, FileTime at) {}
    List<Used> all = new ArrayList<>();
    try (Stream<Path> folders = Files.list(folder)) {
      for (Path each : folders.filter(Files::isDirectory).toList()) {
        all.add(new Used(each, Files.getLastModifiedTime(each)));
      }
    }
    all.sort(Comparator.comparing(Used::at).reversed());
    for (Used old : all.subList(Math.min(MOST_BUNDLES, all.size()), all.size())) {
      try (Stream<Path> files = Files.walk(old.folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
  }
}
