package io.pulmo.model.weights;

import io.pulmo.model.weights.SafetensorsHeader.Entry;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.UUID;

/**
 * The safetensors format: eight bytes of header length, a JSON header and the arrays end to end,
 * all little-endian. Floats of 16 and 64 bits are read too, and become float32; float32 is written.
 *
 * <p>Source: <a href="https://huggingface.co/docs/safetensors">the format's description</a>.
 */
public final class Safetensors {
  /** The longest header that is read: 4 MiB, ten times a DenseNet-121's with optimizer. */
  static final int MOST_HEADER_BYTES = 4 << 20;

  private static final String FLOAT32 = "F32";
  private static final int CHUNK_BYTES = 1 << 20;

  private Safetensors() {}

  /**
   * What a file holds.
   *
   * @param tensors by name, in the header's order
   * @param metadata free strings
   */
  public record Contents(SequencedMap<String, Tensor> tensors, Map<String, String> metadata) {
    /** Makes both maps unmodifiable copies. */
    public Contents {
      tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
      metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }
  }

  /**
   * Reads a file of floats.
   *
   * @throws WeightsFileException if it is malformed, cut off or holds another type
   */
  public static Contents read(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      StoredArrays stored = index(channel);
      SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
      for (Map.Entry<String, StoredArray> named : stored.arrays().entrySet()) {
        if (!named.getValue().type().isFloat()) {
          throw new Malformed(
              "%s is of type %s, expected floats"
                  .formatted(named.getKey(), named.getValue().type()));
        }
        tensors.put(named.getKey(), named.getValue().read());
      }
      return new Contents(tensors, stored.metadata());
    } catch (Malformed e) {
      throw new WeightsFileException(file, String.valueOf(e.getMessage()), e);
    } catch (EOFException e) {
      throw new WeightsFileException(file, "became shorter while it was read", e);
    }
  }

  /**
   * Reads a file's free strings alone; places and shapes are checked as {@link #read} does.
   *
   * @throws WeightsFileException if the header is malformed, or the file cut off
   */
  public static Map<String, String> metadata(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return index(channel).metadata();
    } catch (Malformed e) {
      throw new WeightsFileException(file, String.valueOf(e.getMessage()), e);
    } catch (EOFException e) {
      throw new WeightsFileException(file, "became shorter while it was read", e);
    }
  }

  /** The arrays of an open file, their places, types and shapes checked. */
  static StoredArrays index(FileChannel channel) throws IOException, Malformed {
    ByteBuffer lengthBytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (channel.size() < Long.BYTES) {
      throw new Malformed(
          "has " + channel.size() + " bytes, expected a safetensors file or a PyTorch state dict");
    }
    Bytes.readFully(channel, lengthBytes, 0);
    long length = lengthBytes.getLong(0);
    if (length < 2 || length > MOST_HEADER_BYTES || length > channel.size() - Long.BYTES) {
      throw new Malformed(
          ("names a header of %s bytes, expected 2 to %d and no more than its own %d: it is neither"
                  + " safetensors nor a PyTorch state dict, or is cut off")
              .formatted(Long.toUnsignedString(length), MOST_HEADER_BYTES, channel.size()));
    }
    ByteBuffer json = ByteBuffer.allocate((int) length);
    Bytes.readFully(channel, json, Long.BYTES);
    SafetensorsHeader header = SafetensorsHeader.parse(json.array());
    long dataStart = Long.BYTES + length;
    checkPlaces(header, channel.size() - dataStart);
    SequencedMap<String, StoredArray> arrays = new LinkedHashMap<>();
    for (Map.Entry<String, Entry> named : header.entries().entrySet()) {
      Entry entry = named.getValue();
      ElementType type = type(named.getKey(), entry);
      List<Integer> shape = checkBytes(named.getKey(), entry, type);
      arrays.put(
          named.getKey(),
          new StoredArray(
              channel,
              dataStart + entry.begin(),
              type,
              shape,
              StoredArray.rowMajor(shape),
              () -> {}));
    }
    return new StoredArrays(arrays, header.metadata());
  }

  /** The arrays must follow one another without gap or overlap, and fill the file. */
  private static void checkPlaces(SafetensorsHeader header, long dataBytes) throws Malformed {
    List<Map.Entry<String, Entry>> byPlace = new ArrayList<>(header.entries().entrySet());
    byPlace.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long at = 0;
    for (Map.Entry<String, Entry> named : byPlace) {
      Entry entry = named.getValue();
      if (entry.begin() != at || entry.end() < entry.begin() || entry.end() > dataBytes) {
        throw new Malformed(
            "%s lies at bytes %d to %d, expected it to begin at %d, where the array before it ends,"
                    .formatted(named.getKey(), entry.begin(), entry.end(), at)
                + " and to end within the %d bytes of data".formatted(dataBytes));
      }
      at = entry.end();
    }
    if (at != dataBytes) {
      throw new Malformed(
          "the arrays take %d bytes, but %d follow the header".formatted(at, dataBytes));
    }
  }

  private static ElementType type(String name, Entry entry) throws Malformed {
    return ElementType.ofSafetensors(entry.type())
        .orElseThrow(
            () ->
                new Malformed(
                    "%s is of type %s, expected one of %s: convert it"
                        .formatted(name, entry.type(), List.of(ElementType.values()))));
  }

  private static List<Integer> checkBytes(String name, Entry entry, ElementType type)
      throws Malformed {
    List<Integer> shape = StoredArray.shape(name, entry.shape(), type);
    long bytes = type.bytes();
    for (int dimension : shape) {
      bytes *= dimension;
    }
    if (bytes != entry.end() - entry.begin()) {
      throw new Malformed(
          "%s has shape %s, which takes %d bytes, but lies at bytes %d to %d"
              .formatted(name, entry.shape(), bytes, entry.begin(), entry.end()));
    }
    return shape;
  }

  private static ByteBuffer newChunk(int floats) {
    int bytes = (int) Math.min(CHUNK_BYTES, (long) floats * Float.BYTES);
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Writes a file; whoever looks sees the old one or the whole new one, also after a power cut.
   *
   * @param tensors in the order in which they will lie
   * @param metadata free strings, none for none
   */
  public static void write(
      Path file, SequencedMap<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    SequencedMap<String, List<Integer>> shapes = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    byte[] head = head(shapes, metadata);
    Path target = file.toAbsolutePath();
    Path directory = target.getParent();
    Path draft = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID());
    try {
      try (FileChannel channel =
          FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        writeFully(channel, ByteBuffer.wrap(head));
        for (Tensor tensor : tensors.values()) {
          writeFloats(channel, tensor.values());
        }
        channel.force(true);
      }
      Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
      if (directory != null) {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
          channel.force(true);
        }
      }
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  /**
   * What comes before the values in a file of float32: the header and its length. The values
   * follow, little-endian, in the shapes' order.
   *
   * @param shapes by the arrays' names
   * @param metadata free strings, none for none
   */
  public static byte[] head(
      SequencedMap<String, List<Integer>> shapes, Map<String, String> metadata) {
    SequencedMap<String, Entry> entries = new LinkedHashMap<>();
    long at = 0;
    for (Map.Entry<String, List<Integer>> named : shapes.entrySet()) {
      if (SafetensorsHeader.isReserved(named.getKey())) {
        throw new IllegalArgumentException(
            named.getKey() + " is the metadata's name, expected another for an array");
      }
      long bytes = Float.BYTES;
      for (int dimension : named.getValue()) {
        bytes = Math.multiplyExact(bytes, dimension);
      }
      List<Long> shape = named.getValue().stream().map(Integer::longValue).toList();
      entries.put(named.getKey(), new Entry(FLOAT32, shape, at, at + bytes));
      at += bytes;
    }
    byte[] json;
    try {
      json = new SafetensorsHeader(entries, metadata).toJson();
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot fail", e);
    }
    if (json.length > MOST_HEADER_BYTES) {
      throw new IllegalArgumentException(
          "names and metadata take %d bytes, expected at most %d"
              .formatted(json.length, MOST_HEADER_BYTES));
    }
    return ByteBuffer.allocate(Long.BYTES + json.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private static void writeFloats(FileChannel channel, float[] values) throws IOException {
    ByteBuffer chunk = newChunk(values.length);
    FloatBuffer floats = chunk.asFloatBuffer();
    int at = 0;
    while (at < values.length) {
      int count = Math.min(floats.capacity(), values.length - at);
      floats.put(0, values, at, count);
      writeFully(channel, chunk.clear().limit(count * Float.BYTES));
      at += count;
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
