package io.pulmo.coordinator.job;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What the leader asks of the files that came with jobs or from them. */
public interface StoredFiles {
  /** A file's size, by SHA-256; empty if it is not here. */
  OptionalLong size(String sha256);

  /** What a bundle lacks, in words, by its manifest's SHA-256; nothing if all of it is here. */
  Optional<String> lacking(String manifestSha256);

  /**
   * The images that a job's lists name; nothing while the lists are not here, or if they are none.
   */
  Optional<List<String>> images(String trainSha256, String validationSha256);
}
