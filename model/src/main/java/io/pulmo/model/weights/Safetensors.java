package io.pulmo.model.weights;

import io.pulmo.model.weights.SafetensorsHeader.Entry;
import io.pulmo.model.weights.SafetensorsHeader.Malformed;
import java.io.EOFException;
import java.io.IOException;
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
import java.util.function.Predicate;

/**
 * The safetensors format: eight bytes of header length, a JSON header and the arrays end to end,
 * all little-endian. Only float32 is decoded.
 *
 * <p>Source: <a href="https://huggingface.co/docs/safetensors">the format's description</a>.
 */
public final class Safetensors {
  /** The longest header that is read: 16 MiB. */
  static final int MOST_HEADER_BYTES = 16 << 20;

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
   * Reads a file of float32 arrays.
   *
   * @throws WeightsFileException if it is malformed, cut off or holds another type
   */
  public static Contents read(Path file) throws IOException {
    return read(file, name -> true);
  }

  /** Decodes only the wanted names; of the others, only the place is checked. */
  static Contents read(Path file, Predicate<String> wanted) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer lengthBytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      if (channel.size() < Long.BYTES) {
        throw new WeightsFileException(
            file, "has " + channel.size() + " bytes, expected a safetensors file of at least 8");
      }
      readFully(channel, lengthBytes, 0);
      long length = lengthBytes.getLong(0);
      long dataStart = Long.BYTES + length;
      if (length < 2 || length > MOST_HEADER_BYTES || dataStart > channel.size()) {
        throw new WeightsFileException(
            file,
            ("names a header of %s bytes, expected 2 to %d and no more than its own %d: it is no"
                    + " safetensors file, or is cut off")
                .formatted(Long.toUnsignedString(length), MOST_HEADER_BYTES, channel.size()));
      }
      ByteBuffer json = ByteBuffer.allocate((int) length);
      readFully(channel, json, Long.BYTES);
      SafetensorsHeader header = SafetensorsHeader.parse(json.array());
      checkPlaces(header, channel.size() - dataStart);
      SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
      for (Map.Entry<String, Entry> named : header.entries().entrySet()) {
        if (wanted.test(named.getKey())) {
          Entry entry = named.getValue();
          List<Integer> shape = checkFloats(named.getKey(), entry);
          float[] values = new float[(int) ((entry.end() - entry.begin()) / Float.BYTES)];
          readFloats(channel, values, dataStart + entry.begin());
          tensors.put(named.getKey(), new Tensor(shape, values));
        }
      }
      return new Contents(tensors, header.metadata());
    } catch (Malformed e) {
      throw new WeightsFileException(file, e.getMessage() == null ? "" : e.getMessage(), e);
    } catch (EOFException e) {
      throw new WeightsFileException(file, "became shorter while it was read", e);
    }
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

  private static List<Integer> checkFloats(String name, Entry entry) throws Malformed {
    if (!entry.type().equals(FLOAT32)) {
      throw new Malformed(
          "%s is of type %s, expected F32: convert it".formatted(name, entry.type()));
    }
    long bytes = Float.BYTES;
    List<Integer> shape = new ArrayList<>();
    for (long dimension : entry.shape()) {
      if (dimension > Integer.MAX_VALUE) {
        throw new Malformed(name + " has a dimension of " + dimension + ", too large to hold");
      }
      shape.add((int) dimension);
      if (dimension != 0 && bytes > Integer.MAX_VALUE / dimension) {
        throw new Malformed(
            "%s has shape %s, which takes 2 GiB or more".formatted(name, entry.shape()));
      }
      bytes *= dimension;
    }
    if (bytes != entry.end() - entry.begin()) {
      throw new Malformed(
          "%s has shape %s, which takes %d bytes, but lies at bytes %d to %d"
              .formatted(name, entry.shape(), bytes, entry.begin(), entry.end()));
    }
    return shape;
  }

  private static void readFloats(FileChannel channel, float[] values, long position)
      throws IOException {
    ByteBuffer chunk = newChunk(values.length);
    FloatBuffer floats = chunk.asFloatBuffer();
    int at = 0;
    while (at < values.length) {
      int count = Math.min(floats.capacity(), values.length - at);
      chunk.clear().limit(count * Float.BYTES);
      readFully(channel, chunk, position + (long) at * Float.BYTES);
      floats.get(0, values, at, count);
      at += count;
    }
  }

  private static ByteBuffer newChunk(int floats) {
    int bytes = (int) Math.min(CHUNK_BYTES, (long) floats * Float.BYTES);
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void readFully(FileChannel channel, ByteBuffer buffer, long position)
      throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new EOFException();
      }
      at += read;
    }
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
    SequencedMap<String, Entry> entries = new LinkedHashMap<>();
    long at = 0;
    for (Map.Entry<String, Tensor> named : tensors.entrySet()) {
      Tensor tensor = named.getValue();
      if (SafetensorsHeader.isReserved(named.getKey())) {
        throw new IllegalArgumentException(
            named.getKey() + " is the metadata's name, expected another for an array");
      }
      long end = at + (long) tensor.values().length * Float.BYTES;
      List<Long> shape = tensor.shape().stream().map(Integer::longValue).toList();
      entries.put(named.getKey(), new Entry(FLOAT32, shape, at, end));
      at = end;
    }
    byte[] json = new SafetensorsHeader(entries, metadata).toJson();
    if (json.length > MOST_HEADER_BYTES) {
      throw new IllegalArgumentException(
          "names and metadata take %d bytes, expected at most %d"
              .formatted(json.length, MOST_HEADER_BYTES));
    }
    Path target = file.toAbsolutePath();
    Path directory = target.getParent();
    Path draft = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID());
    try {
      try (FileChannel channel =
          FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        ByteBuffer head =
            ByteBuffer.allocate(Long.BYTES + json.length).order(ByteOrder.LITTLE_ENDIAN);
        writeFully(channel, head.putLong(json.length).put(json).flip());
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
