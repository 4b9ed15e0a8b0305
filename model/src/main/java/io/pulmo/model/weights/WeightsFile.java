package io.pulmo.model.weights;

import io.pulmo.model.network.DenseNetSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** A network's weights in a safetensors file, under torchvision's names. */
public final class WeightsFile {
  /** PyTorch's count of the batches that a batch norm has seen: an integer that no pass needs. */
  private static final String COUNTER = ".num_batches_tracked";

  private WeightsFile() {}

  /**
   * Reads the weights of a network; counters of batches are passed over.
   *
   * @throws WeightsFileException if the file is malformed, or the network needs other arrays
   */
  public static Weights read(Path file, DenseNetSpec spec) throws IOException {
    Safetensors.Contents contents = Safetensors.read(file, name -> !name.endsWith(COUNTER));
    try {
      return new Weights(spec, contents.tensors());
    } catch (IllegalArgumentException e) {
      throw new WeightsFileException(file, String.valueOf(e.getMessage()), e);
    }
  }

  /** Writes the weights, atomically. */
  public static void write(Path file, Weights weights) throws IOException {
    Safetensors.write(file, weights.tensors(), Map.of());
  }
}
