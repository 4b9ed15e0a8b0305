package io.pulmo.worker.checkpoint;

import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The weights of a checkpoint or of another tool's file, and what the file says about them.
 *
 * @param file where they were read from
 * @param preset the network and its image sizes
 * @param weights the network's arrays, of a checkpoint those at its step
 * @param metadata of a checkpoint, {@link CheckpointFolder} says which; of another tool's file none
 */
public record Checkpoint(Path file, Preset preset, Weights weights, Map<String, String> metadata) {
  /** Copies the metadata. */
  public Checkpoint {
    metadata = Map.copyOf(metadata);
  }

  /**
   * Reads the weights of a checkpoint, or of whatever else {@link WeightsFile} reads; the bytes are
   * compared with the SHA-256 beside the file, if there is one.
   *
   * @param fileOrFolder a file, or a folder of checkpoints of which the newest one is taken
   * @throws IOException if there is none, it was altered or cut off, or is another kind of file
   */
  public static Checkpoint readWeights(Path fileOrFolder) throws IOException {
    Path file = Files.isDirectory(fileOrFolder) ? newest(fileOrFolder) : fileOrFolder;
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          file
              + " is missing; expected a checkpoint (step-NNNNNNNN.safetensors) or their folder, or"
              + " weights as .safetensors or .pth");
    }
    Sidecar.verify(file);
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
    List<Path> all = CheckpointFolder.files(folder);
    if (!all.isEmpty()) {
      return all.getLast();
    }
    Path below = folder.resolve("checkpoints");
    if (Files.isDirectory(below)) {
      return newest(below);
    }
    try (Stream<Path> there = Files.list(folder)) {
      throw new IOException(
          "%s has no checkpoint among its %d files; expected step-NNNNNNNN.safetensors"
              .formatted(folder, there.count()));
    }
  }
}
