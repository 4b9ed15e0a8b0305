package io.pulmo.model.weights;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.NetworkNames.Found;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Predicate;

/**
 * A network's weights in a file: safetensors or a PyTorch state dict, told by its content whatever
 * its name. Names are torchvision's or one of the spellings that {@link NetworkNames} knows;
 * halves, bfloat16 and doubles become float32. It is written as safetensors.
 *
 * <p>A stranger's file costs no more memory than the network takes and a bounded part for its
 * header: places and shapes are checked before a value is read, and only the network's are.
 */
public final class WeightsFile {
  /** The metadata's key that says what a safetensors file of Pulmo's is. */
  public static final String FORMAT_KEY = "format";

  /** The value of that key in a checkpoint of a training. */
  public static final String CHECKPOINT_FORMAT = "pulmo-checkpoint-1";

  /** What the names of a checkpoint's arrays of the optimizer begin with. */
  public static final String OPTIMIZER_PREFIX = "optimizer.";

  /** What the names of a checkpoint's arrays of the best epoch begin with. */
  public static final String BEST_PREFIX = "best.";

  private static final int IMAGENET_CLASSES = 1000;
  private static final String HEAD = "classifier.";

  private static final byte[] ZIP = {'P', 'K', 3, 4};
  private static final byte[] HDF5 = {(byte) 0x89, 'H', 'D', 'F'};
  private static final byte[] GZIP = {0x1f, (byte) 0x8b};
  private static final int PICKLE = 0x80;
  private static final int TAR_MAGIC_AT = 257;
  private static final int SNIFFED_BYTES = 512;

  private WeightsFile() {}

  /**
   * What a file holds.
   *
   * @param preset whose network the arrays fit
   * @param weights the arrays
   * @param metadata a safetensors file's strings, none of another kind
   */
  public record Contents(Preset preset, Weights weights, Map<String, String> metadata) {
    /** Copies the metadata. */
    public Contents {
      metadata = Map.copyOf(metadata);
    }
  }

  /**
   * Reads the weights of one of the presets' networks, told by the arrays' shapes.
   *
   * @throws WeightsFileException if the file is malformed, or its arrays are not a preset's
   */
  public static Contents read(Path file) throws IOException {
    return read(
        file,
        stored -> {
          SequencedMap<String, Found> found = network(stored);
          List<String> fewest = List.of();
          Preset nearest = Preset.CHEXNET;
          for (Preset preset : Preset.values()) {
            List<String> wrong = misfits(preset.network(), found);
            if (wrong.isEmpty()) {
              return new Contents(preset, decode(preset.network(), found), stored.metadata());
            }
            checkHead(preset.network(), found);
            if (fewest.isEmpty() || wrong.size() < fewest.size()) {
              fewest = wrong;
              nearest = preset;
            }
          }
          throw new Malformed(
              "fits no preset's network; the nearest is %s: %s"
                  .formatted(nearest.label(), Listing.of(fewest)));
        });
  }

  /**
   * Reads the weights of a network.
   *
   * @throws WeightsFileException if the file is malformed, or the network needs other arrays
   */
  public static Weights read(Path file, DenseNetSpec spec) throws IOException {
    return read(
        file,
        stored -> {
          SequencedMap<String, Found> found = network(stored);
          checkHead(spec, found);
          return fitting(spec, found);
        });
  }

  /**
   * Reads the weights to start a training from. Those of ImageNet's 1000 classes will do: their
   * classifier is left out, and one is drawn from the seed as {@link Initialization} does.
   *
   * @throws WeightsFileException if the file is malformed, or the network needs other arrays
   */
  public static Weights readInitial(Path file, DenseNetSpec spec, long seed) throws IOException {
    return read(
        file,
        stored -> {
          SequencedMap<String, Found> found = network(stored);
          if (!hasImageNetHead(spec, found)) {
            return fitting(spec, found);
          }
          found.keySet().removeIf(name -> name.startsWith(HEAD));
          List<String> wrong = misfits(spec, found);
          wrong.removeIf(missing -> missing.startsWith("missing " + HEAD));
          check(wrong);
          SequencedMap<String, Tensor> tensors = tensors(found);
          tensors.putAll(Initialization.classifier(spec, seed));
          return new Weights(spec, tensors);
        });
  }

  /** Writes the weights as safetensors, atomically. */
  public static void write(Path file, Weights weights) throws IOException {
    Safetensors.write(file, weights.tensors(), Map.of());
  }

  @FunctionalInterface
  private interface Reading<T> {
    T of(StoredArrays stored) throws IOException, Malformed;
  }

  private static <T> T read(Path file, Reading<T> reading) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return reading.of(index(channel));
    } catch (Malformed e) {
      throw new WeightsFileException(file, String.valueOf(e.getMessage()), e);
    } catch (EOFException e) {
      throw new WeightsFileException(file, "became shorter while it was read", e);
    }
  }

  private static StoredArrays index(FileChannel channel) throws IOException, Malformed {
    byte[] head = new byte[(int) Math.min(SNIFFED_BYTES, channel.size())];
    Bytes.readFully(channel, ByteBuffer.wrap(head), 0);
    if (startsWith(head, ZIP)) {
      return TorchFile.zip(channel);
    }
    if (head.length > 0 && Byte.toUnsignedInt(head[0]) == PICKLE && !isSafetensors(head)) {
      return TorchFile.legacy(channel);
    }
    if (startsWith(head, HDF5)) {
      throw new Malformed(
          "is HDF5, as Keras writes it; expected safetensors or a PyTorch state dict: convert it");
    }
    if (startsWith(head, GZIP)) {
      throw new Malformed("is compressed with gzip: unpack it with gunzip first");
    }
    if (head.length == SNIFFED_BYTES
        && new String(head, TAR_MAGIC_AT, 5, StandardCharsets.ISO_8859_1).equals("ustar")) {
      throw new Malformed(
          "is a tar, as PyTorch 0.1 wrote it or as weights are packed; unpack it, or load and save it with a later PyTorch");
    }
    return Safetensors.index(channel);
  }

  private static boolean startsWith(byte[] head, byte[] magic) {
    return head.length >= magic.length
        && ByteBuffer.wrap(head, 0, magic.length).equals(ByteBuffer.wrap(magic));
  }

  /** A header's length may look like a pickle's first byte; its brace comes ninth. */
  private static boolean isSafetensors(byte[] head) {
    return head.length > Long.BYTES
        && head[Long.BYTES] == '{'
        && ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong(0)
            <= Safetensors.MOST_HEADER_BYTES;
  }

  /** The network's arrays of a file: a checkpoint of Pulmo's has more. */
  private static SequencedMap<String, Found> network(StoredArrays stored) throws Malformed {
    SequencedMap<String, StoredArray> arrays = new LinkedHashMap<>(stored.arrays());
    if (CHECKPOINT_FORMAT.equals(stored.metadata().get(FORMAT_KEY))) {
      Predicate<String> extra =
          name -> name.startsWith(OPTIMIZER_PREFIX) || name.startsWith(BEST_PREFIX);
      arrays.keySet().removeIf(extra);
    }
    return NetworkNames.of(arrays);
  }

  private static List<String> misfits(DenseNetSpec spec, SequencedMap<String, Found> found) {
    SequencedMap<String, List<Integer>> shapes = new LinkedHashMap<>();
    found.forEach((name, one) -> shapes.put(name, one.array().shape()));
    return Weights.misfits(
        spec,
        shapes,
        name -> {
          Found one = found.get(name);
          return one == null ? name : one.fileName();
        });
  }

  private static void check(List<String> wrong) throws Malformed {
    if (!wrong.isEmpty()) {
      throw new Malformed("weights do not fit the network: " + Listing.of(wrong));
    }
  }

  private static boolean hasImageNetHead(DenseNetSpec spec, SequencedMap<String, Found> found) {
    Found weight = found.get(HEAD + "weight");
    Found bias = found.get(HEAD + "bias");
    return weight != null
        && bias != null
        && weight
            .array()
            .shape()
            .equals(
                List.of(
                    IMAGENET_CLASSES,
                    spec.parameters().get(spec.parameters().size() - 2).shape().getLast()))
        && bias.array().shape().equals(List.of(IMAGENET_CLASSES));
  }

  private static void checkHead(DenseNetSpec spec, SequencedMap<String, Found> found)
      throws Malformed {
    if (hasImageNetHead(spec, found)) {
      throw new Malformed(
          "classifies the 1000 classes of ImageNet, which are no findings; expected 14 outputs: train from it first (init: in JOB.yaml)");
    }
  }

  private static Weights fitting(DenseNetSpec spec, SequencedMap<String, Found> found)
      throws IOException, Malformed {
    List<String> wrong = misfits(spec, found);
    if (!wrong.isEmpty()) {
      for (Preset preset : Preset.values()) {
        if (misfits(preset.network(), found).isEmpty()) {
          throw new Malformed(
              "fits the preset %s, expected weights of another network: %s and %d more differences"
                  .formatted(preset.label(), wrong.getFirst(), wrong.size() - 1));
        }
      }
    }
    check(wrong);
    return decode(spec, found);
  }

  private static Weights decode(DenseNetSpec spec, SequencedMap<String, Found> found)
      throws IOException, Malformed {
    return new Weights(spec, tensors(found));
  }

  private static SequencedMap<String, Tensor> tensors(SequencedMap<String, Found> found)
      throws IOException, Malformed {
    checkTypes(found);
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    List<String> infinite = new ArrayList<>();
    for (Map.Entry<String, Found> named : found.entrySet()) {
      Tensor tensor = named.getValue().array().read();
      tensors.put(named.getKey(), tensor);
      for (int i = 0; i < tensor.values().length; i++) {
        if (!Float.isFinite(tensor.values()[i])) {
          infinite.add(
              "%s has %s at %d".formatted(named.getValue().fileName(), tensor.values()[i], i));
          break;
        }
      }
    }
    if (!infinite.isEmpty()) {
      throw new Malformed(
          "has weights that are no finite numbers: "
              + Listing.of(infinite)
              + "; take those of an earlier epoch");
    }
    return tensors;
  }

  private static void checkTypes(SequencedMap<String, Found> found) throws Malformed {
    List<String> wrong = new ArrayList<>();
    for (Found one : found.values()) {
      if (!one.array().type().isFloat()) {
        wrong.add(one.fileName() + " is of type " + one.array().type());
      }
    }
    if (!wrong.isEmpty()) {
      throw new Malformed("has no floats where weights are: " + Listing.of(wrong));
    }
  }
}
