package io.pulmo.model.weights;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * A file of {@code torch.save}: a pickle that describes tensors, and the storages in which their
 * numbers lie. Since PyTorch 1.6 it is a zip of ARCHIVE/data.pkl and ARCHIVE/data/KEY; before, it
 * was a row of pickles (magic number, version, machine, the object, the storages' keys) with the
 * storages behind them, each after its length.
 *
 * <p>Source: {@code torch/serialization.py}.
 */
final class TorchFile {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long LEGACY_VERSION = 1001;
  private static final String PICKLE = "/data.pkl";

  private TorchFile() {}

  /** Finds the bytes of a storage. */
  @FunctionalInterface
  private interface Places {
    Place of(Pickled.Storage storage) throws Malformed;
  }

  private record Place(long position, StoredArray.Check check) {}

  /** The state dict of a file of PyTorch 1.6 or later. */
  static StoredArrays zip(FileChannel channel) throws IOException, Malformed {
    StoredZip zip = StoredZip.open(channel);
    SequencedMap<String, StoredZip.Entry> entries = zip.entries();
    List<String> pickles =
        entries.keySet().stream()
            .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') == lastSlash(name))
            .toList();
    if (pickles.size() != 1) {
      throw new Malformed(
          "is a zip with %d entries of the name ARCHIVE/data.pkl among its %d, expected one: it was not made by torch.save"
              .formatted(pickles.size(), entries.size()));
    }
    String archive = pickles.getFirst().substring(0, lastSlash(pickles.getFirst()) + 1);
    if (entries.containsKey(archive + "constants.pkl")) {
      throw new Malformed(
          "is a TorchScript archive, which holds a program; save the model's state_dict() with torch.save instead");
    }
    checkByteOrder(channel, entries.get(archive + "byteorder"));
    StoredZip.Entry pickle = entries.get(pickles.getFirst());
    if (pickle == null || pickle.bytes() > PickleReader.MOST_BYTES) {
      throw new Malformed(
          "data.pkl has more than " + PickleReader.MOST_BYTES + " bytes, which is too large");
    }
    pickle.check();
    long end = pickle.begin() + pickle.bytes();
    PickleInput input = new PickleInput(channel, pickle.begin(), end, "data.pkl");
    Storages storages = new Storages(5);
    Pickled root = PickleReader.read(input, storages::load);
    return arrays(
        channel,
        root,
        storage -> {
          StoredZip.Entry entry = entries.get(archive + "data/" + storage.key());
          if (entry == null || entry.bytes() != storage.total() * storage.type().bytes()) {
            throw new Malformed(
                "has a storage of %d %s in data/%s, which %s"
                    .formatted(
                        storage.total(),
                        storage.type(),
                        storage.key(),
                        entry == null
                            ? "the zip does not have"
                            : "has " + entry.bytes() + " bytes"));
          }
          return new Place(entry.begin(), entry::check);
        });
  }

  private static int lastSlash(String name) {
    return name.lastIndexOf('/');
  }

  private static void checkByteOrder(FileChannel channel, StoredZip.@Nullable Entry entry)
      throws IOException, Malformed {
    if (entry == null) {
      return; // before PyTorch 2.1; little-endian
    }
    ByteBuffer order = ByteBuffer.allocate((int) Math.min(16, entry.bytes()));
    Bytes.readFully(channel, order, entry.begin());
    String text = new String(order.array(), StandardCharsets.ISO_8859_1);
    if (!text.equals("little")) {
      throw new Malformed(
          "says byte order '" + text + "', expected little: save it on a little-endian machine");
    }
  }

  /** The state dict of a file of an earlier PyTorch. */
  static StoredArrays legacy(FileChannel channel) throws IOException, Malformed {
    long size = channel.size();
    PickleInput input = new PickleInput(channel, 0, size, "the file");
    if (!(PickleReader.read(input) instanceof Pickled.Large(BigInteger magic))
        || !magic.equals(MAGIC)) {
      throw new Malformed(
          "is a pickle, but not one of torch.save: its magic number is not there; save the model's state_dict() with torch.save");
    }
    Pickled version = PickleReader.read(input);
    if (!(version instanceof Pickled.Whole(long number)) || number != LEGACY_VERSION) {
      throw new Malformed(
          "says protocol version %s, expected %d".formatted(version.describe(), LEGACY_VERSION));
    }
    checkMachine(PickleReader.read(input));
    Storages storages = new Storages(6);
    Pickled root = PickleReader.read(input, storages::load);
    Map<String, Long> places =
        places(channel, storages, PickleReader.read(input), input.offset(), size);
    return arrays(
        channel,
        root,
        storage -> {
          Long place = places.get(storage.key());
          if (place == null) {
            throw new Malformed("has a storage '%s' that is not there".formatted(storage.key()));
          }
          return new Place(place, () -> {});
        });
  }

  private static void checkMachine(Pickled machine) throws Malformed {
    if (machine instanceof Pickled.Dict dict) {
      for (int i = 0; i < dict.keys.size(); i++) {
        if (dict.keys.get(i) instanceof Pickled.Text(String key)
            && key.equals("little_endian")
            && dict.values.get(i) instanceof Pickled.Truth(boolean little)
            && little) {
          return;
        }
      }
    }
    throw new Malformed(
        "does not say that it is little-endian: save it again on a little-endian machine");
  }

  /** The storages lie one after another, in the keys' order. */
  private static Map<String, Long> places(
      FileChannel channel, Storages storages, Pickled keys, long begin, long size)
      throws IOException, Malformed {
    if (!(keys instanceof Pickled.Sequence list)) {
      throw new Malformed("has %s for its storages' keys".formatted(keys.describe()));
    }
    Map<String, Long> places = new HashMap<>();
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    long at = begin;
    for (Pickled item : list.items) {
      Pickled.Storage storage =
          item instanceof Pickled.Text(String key) ? storages.byKey.get(key) : null;
      if (storage == null) {
        throw new Malformed("lists a storage %s that no tensor has".formatted(item.describe()));
      }
      long bytes = storage.total() * storage.type().bytes();
      if (at > size - Long.BYTES || bytes > size - Long.BYTES - at) {
        throw new Malformed(
            "is cut off: storage '%s' of %d bytes lies at byte %d, the file has %d"
                .formatted(storage.key(), bytes, at, size));
      }
      Bytes.readFully(channel, length.clear(), at);
      if (length.getLong(0) != storage.total()) {
        throw new Malformed(
            "storage '%s' at byte %d has %d numbers, expected %d"
                .formatted(storage.key(), at, length.getLong(0), storage.total()));
      }
      if (places.put(storage.key(), at + Long.BYTES) != null) {
        throw new Malformed("lists storage '%s' twice".formatted(storage.key()));
      }
      at += Long.BYTES + bytes;
    }
    if (at != size) {
      throw new Malformed("has %d bytes behind its last storage".formatted(size - at));
    }
    return places;
  }

  private static StoredArrays arrays(FileChannel channel, Pickled root, Places places)
      throws Malformed {
    SequencedMap<String, StoredArray> arrays = new LinkedHashMap<>();
    for (Map.Entry<String, Pickled.Array> named : StateDict.of(root).entrySet()) {
      Pickled.Array array = named.getValue();
      Pickled.Storage storage = array.storage();
      try {
        Place place = places.of(storage);
        long first = storage.first() + array.offset();
        arrays.put(
            named.getKey(),
            new StoredArray(
                channel,
                place.position + first * storage.type().bytes(),
                storage.type(),
                array.shape(),
                array.strides(),
                place.check));
      } catch (Malformed e) {
        throw new Malformed(named.getKey() + " " + e.getMessage());
      }
    }
    return new StoredArrays(arrays, Map.of());
  }

  /** The storages that a pickle refers to. */
  private static final class Storages {
    private static final long MOST_ELEMENTS = 1L << 40;

    private final int idLength;
    private final Map<String, Pickled.Storage> byKey = new HashMap<>();

    Storages(int idLength) {
      this.idLength = idLength;
    }

    /** Of ('storage', type, key, device, length), and formerly a view's (key, first, length). */
    Pickled load(Pickled.Tuple id) throws Malformed {
      List<Pickled> items = id.items();
      if (items.size() == idLength
          && items.get(0) instanceof Pickled.Text(String kind)
          && kind.equals("storage")
          && items.get(1) instanceof Pickled.Named(TorchGlobal global, String name)
          && global == TorchGlobal.STORAGE
          && items.get(2) instanceof Pickled.Text(String key)
          && items.get(4) instanceof Pickled.Whole(long total)
          && total >= 0
          && total < MOST_ELEMENTS) {
        ElementType type =
            ElementType.ofStorage(name.substring(name.lastIndexOf('.') + 1)).orElseThrow();
        Pickled.Storage whole = new Pickled.Storage(type, key, total, 0, total);
        Pickled.Storage known = byKey.putIfAbsent(key, whole);
        if (known != null && !known.equals(whole)) {
          throw new Malformed(
              "refers to storage '%s' as %d %s and as %d %s"
                  .formatted(key, known.total(), known.type(), total, type));
        }
        return idLength == 6 ? view(whole, items.get(5)) : whole;
      }
      throw new Malformed("refers to %s, expected a storage".formatted(id.describe()));
    }

    private static Pickled view(Pickled.Storage whole, Pickled view) throws Malformed {
      if (view instanceof Pickled.Opaque) {
        return whole;
      }
      if (view instanceof Pickled.Tuple(List<Pickled> items)
          && items.size() == 3
          && items.get(1) instanceof Pickled.Whole(long first)
          && items.get(2) instanceof Pickled.Whole(long elements)
          && first >= 0
          && elements >= 0
          && first <= whole.total()
          && elements <= whole.total() - first) {
        return new Pickled.Storage(whole.type(), whole.key(), whole.total(), first, elements);
      }
      throw new Malformed(
          "refers to a part of storage '%s' of %d numbers that is not within it"
              .formatted(whole.key(), whole.total()));
    }
  }
}
