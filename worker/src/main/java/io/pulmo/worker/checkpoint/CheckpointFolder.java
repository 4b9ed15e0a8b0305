package io.pulmo.worker.checkpoint;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.DenseNetSpec.Parameter;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Safetensors;
import io.pulmo.model.weights.Tensor;
import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.regex.Pattern;

/**
 * The checkpoints of a job: {@code step-NNNNNNNN.safetensors}, each with its SHA-256 beside it.
 *
 * <p>A file holds the network's arrays by torchvision's names, the optimizer's under {@code
 * optimizer.} and those of the best epoch under {@code best.}; its metadata are format, preset,
 * job, view, step, epoch, learning_rate, optimizer_steps, best_epoch and best_auc.
 */
public final class CheckpointFolder {
  private static final Pattern NAME = Pattern.compile("step-[0-9]{8,18}\\.safetensors");

  private final Path folder;
  private final Preset preset;
  private final String jobId;
  private final long view;
  private final int keep;

  /**
   * A folder, made when first needed.
   *
   * @param keep how many of the newest stay
   */
  public CheckpointFolder(Path folder, Preset preset, String jobId, long view, int keep) {
    this.folder = folder;
    this.preset = preset;
    this.jobId = jobId;
    this.view = view;
    this.keep = keep;
  }

  /** Writes a checkpoint, whole or not at all, then removes those that are too many. */
  public Path write(TrainingState state) throws IOException {
    Files.createDirectories(folder);
    Path file = folder.resolve("step-%08d.safetensors".formatted(state.step()));
    // A checksum of another run's file of that name would condemn the new one.
    Files.deleteIfExists(Sidecar.of(file));
    Safetensors.write(file, arrays(state), metadata(state));
    Sidecar.write(file);
    List<Path> all = files(folder);
    for (Path old : all.subList(0, Math.max(0, all.size() - keep))) {
      Files.deleteIfExists(Sidecar.of(old));
      Files.deleteIfExists(old);
    }
    return file;
  }

  private SequencedMap<String, Tensor> arrays(TrainingState state) {
    DenseNetSpec network = preset.network();
    SequencedMap<String, Tensor> arrays =
        new LinkedHashMap<>(Weights.ofFlat(network, state.learned(), state.statistics()).tensors());
    state
        .optimizer()
        .memory()
        .forEach(
            (name, values) ->
                split(network, WeightsFile.OPTIMIZER_PREFIX + name + ".", values, arrays));
    Weights.ofFlat(network, state.bestLearned(), state.bestStatistics())
        .tensors()
        .forEach((name, tensor) -> arrays.put(WeightsFile.BEST_PREFIX + name, tensor));
    return arrays;
  }

  private static void split(
      DenseNetSpec network, String prefix, float[] flat, Map<String, Tensor> into) {
    int at = 0;
    for (Parameter parameter : network.learned()) {
      float[] values = Arrays.copyOfRange(flat, at, at + parameter.size());
      into.put(prefix + parameter.name(), new Tensor(parameter.shape(), values));
      at += parameter.size();
    }
  }

  private Map<String, String> metadata(TrainingState state) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(WeightsFile.FORMAT_KEY, WeightsFile.CHECKPOINT_FORMAT);
    metadata.put("preset", preset.label());
    metadata.put("job", jobId);
    metadata.put("view", Long.toString(view));
    metadata.put("step", Long.toString(state.step()));
    metadata.put("epoch", Integer.toString(state.epoch()));
    metadata.put("learning_rate", Double.toString(state.learningRate()));
    metadata.put("optimizer_steps", Long.toString(state.optimizer().steps()));
    metadata.put("best_epoch", Integer.toString(state.bestEpoch()));
    metadata.put("best_auc", Double.toString(state.bestAuc()));
    return metadata;
  }

  /** The checkpoints of a folder, the oldest first. */
  static List<Path> files(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path file : all) {
        if (NAME.matcher(String.valueOf(file.getFileName())).matches()) {
          files.add(file);
        }
      }
    }
    files.sort((a, b) -> Long.compare(step(a), step(b)));
    return files;
  }

  private static long step(Path file) {
    String name = String.valueOf(file.getFileName());
    return Long.parseLong(name.substring("step-".length(), name.indexOf('.')));
  }
}
