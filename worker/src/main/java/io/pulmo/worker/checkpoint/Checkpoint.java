package io.pulmo.worker.checkpoint;

import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Safetensors;
import io.pulmo.model.weights.Tensor;
import io.pulmo.model.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a checkpoint and what its file says about them.
 *
 * @param file where they were read from
 * @param preset the network and its image sizes
 * @param weights the network's arrays at that step
 * @param metadata {@link CheckpointFolder} says which
 */
public record Checkpoint(Path file, Preset preset, Weights weights, Map<String, String> metadata) {
  /** The value of the key {@code format}. */
  static final String FORMAT = "pulmo-checkpoint-1";

  /** Copies the metadata. */
  public Checkpoint {
    metadata = Map.copyOf(metadata);
  }

  /**
   * Reads the weights of a checkpoint; its bytes are compared with the SHA-256 beside it, if there
   * is one.
   *
   * @param fileOrFolder a checkpoint, or a folder of which the newest one is taken
   * @throws IOException if there is none, it was altered or cut off, or is another kind of file
   */
  public static Checkpoint readWeights(Path fileOrFolder) throws IOException {
    Path file = Files.isDirectory(fileOrFolder) ? newest(fileOrFolder) : fileOrFolder;
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          file + " is missing; expected a checkpoint (step-NNNNNNNN.safetensors) or their folder");
    }
    Sidecar.verify(file);
    Safetensors.Contents contents = Safetensors.read(file);
    Map<String, String> metadata = contents.metadata();
    if (!FORMAT.equals(metadata.get("format"))) {
      throw new IOException(
          "%s is no checkpoint: its metadata say format '%s', expected '%s'"
              .formatted(file, metadata.get("format"), FORMAT));
    }
    Preset preset = preset(file, metadata.get("preset"));
    SequencedMap<String, Tensor> network = new LinkedHashMap<>();
    contents
        .tensors()
        .forEach(
            (name, tensor) -> {
              if (!CheckpointFolder.isExtra(name)) {
                network.put(name, tensor);
              }
            });
    try {
      return new Checkpoint(file, preset, new Weights(preset.network(), network), metadata);
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  private static Preset preset(Path file, @Nullable String label) throws IOException {
    for (Preset preset : Preset.values()) {
      if (preset.label().equals(label)) {
        return preset;
      }
    }
    throw new IOException(
        "%s: its metadata say preset '%s', expected one of %s"
            .formatted(
                file,
                label,
                Arrays.stream(Preset.values())
                    .map(Preset::label)
                    .collect(Collectors.joining(", "))));
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
