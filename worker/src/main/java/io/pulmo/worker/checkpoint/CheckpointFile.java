package io.pulmo.worker.checkpoint;

import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.DenseNetSpec.Parameter;
import io.pulmo.model.view.Label;
import io.pulmo.model.weights.Safetensors;
import io.pulmo.model.weights.Tensor;
import io.pulmo.model.weights.WeightsFile;
import io.pulmo.worker.train.StateHeader;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A checkpoint's file, by its name: the state's label and the SHA-256 of the file's bytes.
 *
 * @param path where it lies
 * @param label of the state in it
 * @param sha256 that its bytes must have, hexadecimal
 */
record CheckpointFile(Path path, Label label, String sha256) {
  // The hash is in the name, so that one rename puts a checkpoint there together with what proves
  // it. Inside lies each flat array of the state, cut into the network's parameters; end to end
  // they are the flat arrays again.

  static final String STATE_KEY = "state";
  static final String DIGEST_KEY = "state_digest";
  static final String BEST_AUC_KEY = "best_auc";

  private static final Pattern NAME =
      Pattern.compile("step-([0-9]{8,18})-view-([0-9]{1,18})-([0-9a-f]{64})\\.safetensors");

  /** The checkpoint that a path names, if it is one's. */
  static Optional<CheckpointFile> of(Path path) {
    Matcher name = NAME.matcher(String.valueOf(path.getFileName()));
    return name.matches()
        ? Optional.of(
            new CheckpointFile(
                path,
                new Label(Long.parseLong(name.group(2)), Long.parseLong(name.group(1))),
                name.group(3)))
        : Optional.empty();
  }

  static String name(Label label, String sha256) {
    return "step-%08d-view-%d-%s.safetensors".formatted(label.step(), label.view(), sha256);
  }

  /** Refuses bytes that are not those of the name. */
  void verify() throws IOException {
    String found = Sha256.of(path);
    if (!found.equals(sha256)) {
      throw new IOException(
          "%s was altered or cut off: its SHA-256 is %s, its name says otherwise; take another checkpoint"
              .formatted(path, found));
    }
  }

  /** What a file's metadata must have. */
  static String required(Map<String, String> metadata, String key, Path file) throws IOException {
    String value = metadata.get(key);
    if (value == null) {
      throw new IOException(file + " has no '" + key + "' in its metadata: it is no checkpoint");
    }
    return value;
  }

  /** The shapes of the arrays, in the order in which they lie in the file. */
  static SequencedMap<String, List<Integer>> shapes(DenseNetSpec network, Iterable<String> arrays) {
    SequencedMap<String, List<Integer>> shapes = new LinkedHashMap<>();
    for (String array : arrays) {
      for (Parameter parameter : parameters(network, array)) {
        shapes.put(prefix(array) + parameter.name(), parameter.shape());
      }
    }
    return shapes;
  }

  private static boolean isStatistics(String array) {
    return array.endsWith(TrainingState.STATISTICS);
  }

  private static List<Parameter> parameters(DenseNetSpec network, String array) {
    return isStatistics(array) ? network.statistics() : network.learned();
  }

  /** What the parameters' names have before them: nothing for the weights themselves. */
  private static String prefix(String array) {
    return switch (array) {
      case TrainingState.LEARNED, TrainingState.STATISTICS -> "";
      case TrainingState.BEST_LEARNED, TrainingState.BEST_STATISTICS -> WeightsFile.BEST_PREFIX;
      default -> array + ".";
    };
  }

  /** Reads the state, after its bytes were verified. */
  TrainingState state(DenseNetSpec network) throws IOException {
    verify();
    Safetensors.Contents contents = Safetensors.read(path);
    byte[] json = required(contents.metadata(), STATE_KEY, path).getBytes(StandardCharsets.UTF_8);
    StateHeader header = StateHeader.parse(json);
    header.require(network.learnedSize(), network.statisticsSize());
    SequencedMap<String, float[]> arrays = new LinkedHashMap<>();
    for (Map.Entry<String, Integer> array : header.arrays().entrySet()) {
      arrays.put(array.getKey(), flat(network, array.getKey(), array.getValue(), contents));
    }
    TrainingState state = TrainingState.read(json, arrays);
    String digest = state.digest();
    String expected = required(contents.metadata(), DIGEST_KEY, path);
    if (!digest.equals(expected)) {
      throw new IOException(
          "%s holds a state of digest %s, but says %s; take another checkpoint"
              .formatted(path, digest, expected));
    }
    return state;
  }

  private float[] flat(DenseNetSpec network, String array, int length, Safetensors.Contents from)
      throws IOException {
    float[] flat = new float[length];
    List<String> wrong = new ArrayList<>();
    int at = 0;
    for (Parameter parameter : parameters(network, array)) {
      String name = prefix(array) + parameter.name();
      Tensor tensor = from.tensors().get(name);
      if (tensor == null || !tensor.shape().equals(parameter.shape())) {
        wrong.add(name);
        continue;
      }
      System.arraycopy(tensor.values(), 0, flat, at, tensor.values().length);
      at += tensor.values().length;
    }
    if (!wrong.isEmpty()) {
      throw new IOException(
          "%s lacks %s and %d more arrays of the network"
              .formatted(path, wrong.getFirst(), wrong.size() - 1));
    }
    return flat;
  }
}
