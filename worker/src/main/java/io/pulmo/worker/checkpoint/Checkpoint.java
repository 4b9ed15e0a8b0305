package io.pulmo.worker.checkpoint;

import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The weights of a checkpoint or of another tool's file, and what the file says about them.
 *
 * @param file where they were read from
 * @param preset the network and its image sizes
 * @param weights the network's arrays, of a checkpoint those at its step
 * @param metadata of a checkpoint, {@link CheckpointFolder} says which; of another tool's file none
 */
public record Checkpoint(Path file, Preset preset, Weights weights, Map<String, String> metadata) {
  private static final Logger log = LoggerFactory.getLogger(Checkpoint.class);

  /** Copies the metadata. */
  public Checkpoint {
    metadata = Map.copyOf(metadata);
  }

  /**
   * Reads the weights of a checkpoint, or of whatever else {@link WeightsFile} reads; a
   * checkpoint's bytes are compared with the SHA-256 in its name.
   *
   * @param fileOrFolder a file, or a folder of checkpoints of which the newest one is taken
   * @throws IOException if there is none, it was altered or cut off, or is another kind of file
   */
  public static Checkpoint readWeights(Path fileOrFolder) throws IOException {
    Path file = Files.isDirectory(fileOrFolder) ? newest(fileOrFolder) : fileOrFolder;
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          file
              + " is missing; expected a checkpoint (step-NNNNNNNN-view-N-SHA256.safetensors) or their folder, or"
              + " weights as .safetensors or .pth");
    }
    Optional<CheckpointFile> named = CheckpointFile.of(file);
    if (named.isPresent()) {
      named.get().verify();
    }
    WeightsFile.Contents contents = WeightsFile.read(file);
    Map<String, String> metadata = contents.metadata();
    if (!WeightsFile.CHECKPOINT_FORMAT.equals(metadata.get(WeightsFile.FORMAT_KEY))) {
      return new Checkpoint(file, contents.preset(), contents.weights(), Map.of());
    }
    String label = metadata.get("preset");
    if (!contents.preset().label().equals(label)) {
      throw new IOException(
          "%s: its metadata say preset '%s', but its arrays are those of %s; take another checkpoint"
              .formatted(file, label, contents.preset().label()));
    }
    return new Checkpoint(file, contents.preset(), contents.weights(), metadata);
  }

  private static Path newest(Path folder) throws IOException {
    List<CheckpointFile> all = CheckpointFolder.files(folder);
    if (!all.isEmpty()) {
      return newestGood(all);
    }
    Path below = folder.resolve("checkpoints");
    if (Files.isDirectory(below)) {
      return newest(below);
    }
    try (Stream<Path> there = Files.list(folder)) {
      throw new IOException(
          "%s has no checkpoint among its %d files; expected step-NNNNNNNN-view-N-SHA256.safetensors"
              .formatted(folder, there.count()));
    }
  }

  private static Path newestGood(List<CheckpointFile> oldestFirst) throws IOException {
    IOException first = null;
    for (CheckpointFile file : oldestFirst.reversed()) {
      try {
        file.verify();
        return file.path();
      } catch (IOException e) {
        log.warn("the checkpoint {} is of no use: {}", file.path().getFileName(), e.getMessage());
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    throw Objects.requireNonNull(first);
  }
}
