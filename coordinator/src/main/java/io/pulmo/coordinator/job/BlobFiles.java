package io.pulmo.coordinator.job;

import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.data.ImageManifest;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.LabelListException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The stored blobs as the leader's jobs ask for them. */
public final class BlobFiles implements StoredFiles {
  private static final Logger log = LoggerFactory.getLogger(BlobFiles.class);
  private static final int LARGEST_MANIFEST_BYTES = 1 << 20;

  private final BlobStore blobs;
  private final Consumer<String> wanted;

  /**
   * Of a store.
   *
   * @param wanted told the SHA-256 of what is lacking: it may be on its way here then
   */
  public BlobFiles(BlobStore blobs, Consumer<String> wanted) {
    this.blobs = blobs;
    this.wanted = wanted;
  }

  @Override
  public OptionalLong size(String sha256) {
    return blobs.size(sha256);
  }

  @Override
  public Optional<String> lacking(String manifestSha256) {
    if (blobs.size(manifestSha256).isEmpty()) {
      wanted.accept(manifestSha256);
      return Optional.of("its manifest '" + manifestSha256 + "', expected a stored blob");
    }
    try (InputStream in = Channels.newInputStream(blobs.open(manifestSha256))) {
      Manifest manifest = Manifest.parse(Bundle.MANIFEST, in.readNBytes(LARGEST_MANIFEST_BYTES));
      Optional<String> lacking = Optional.empty();
      for (FileEntry file : manifest.files()) {
        OptionalLong stored = blobs.size(file.sha256());
        if (stored.isEmpty() || stored.getAsLong() != file.bytes()) {
          wanted.accept(file.sha256());
          lacking =
              Optional.of(
                  "its file '"
                      + file.path()
                      + "', blob "
                      + file.sha256()
                      + " of "
                      + file.bytes()
                      + " bytes, expected it to be stored");
        }
      }
      return lacking;
    } catch (IOException | RuntimeException e) {
      return Optional.of("a readable manifest: " + e.getMessage());
    }
  }

  @Override
  public Optional<List<String>> images(String trainSha256, String validationSha256) {
    for (String list : List.of(trainSha256, validationSha256)) {
      if (blobs.size(list).isEmpty()) {
        wanted.accept(list);
        return Optional.empty();
      }
    }
    try {
      return Optional.of(
          ImageManifest.names(
              LabelList.read(blobs.file(trainSha256)),
              LabelList.read(blobs.file(validationSha256))));
    } catch (IOException | LabelListException | IllegalArgumentException e) {
      // The workers will say so, by the names that the submitter knows.
      log.info("a job's lists are not understood: {}", e.getMessage());
      return Optional.empty();
    }
  }
}
