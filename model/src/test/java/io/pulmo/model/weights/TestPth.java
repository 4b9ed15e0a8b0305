package io.pulmo.model.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A writer of PyTorch's files in the spellings that are found in the wild. */
final class TestPth {
  private TestPth() {}

  /** How a state dict lies in a file. */
  enum Layout {
    /** A storage for each tensor. */
    PLAIN,
    /** All in one storage, each from an offset. */
    SHARED,
    /** Each with its dimensions the other way round in memory. */
    TRANSPOSED
  }

  /**
   * A way to write a state dict.
   *
   * @param zip whether as PyTorch 1.6 and later
   * @param type what the numbers become
   * @param layout where they lie
   * @param names what a tensor is called
   * @param wrapper the key in a checkpoint with an optimizer, empty for none
   * @param python2 whether as Python 2 writes it
   */
  record Spelling(
      boolean zip,
      ElementType type,
      Layout layout,
      UnaryOperator<String> names,
      String wrapper,
      boolean python2) {
    static final Spelling PLAIN =
        new Spelling(true, ElementType.FLOAT, Layout.PLAIN, name -> name, "", false);

    Spelling legacy() {
      return new Spelling(false, type, layout, names, wrapper, python2);
    }

    Spelling of(ElementType other) {
      return new Spelling(zip, other, layout, names, wrapper, python2);
    }

    Spelling lying(Layout other) {
      return new Spelling(zip, type, other, names, wrapper, python2);
    }

    Spelling named(UnaryOperator<String> other) {
      return new Spelling(zip, type, layout, other, wrapper, python2);
    }

    Spelling under(String other) {
      return new Spelling(zip, type, layout, names, other, python2);
    }

    Spelling byPython2() {
      return new Spelling(zip, type, layout, names, wrapper, true);
    }
  }

  /** The pickle of a state dict and the storages that it refers to, by key. */
  record Parts(byte[] pickle, SequencedMap<String, byte[]> storages, ElementType type) {}

  static byte[] bytes(Map<String, Tensor> tensors, Spelling spelling) {
    Parts parts = parts(tensors, spelling);
    return spelling.zip ? zip(entries(parts)) : legacy(parts);
  }

  static Parts parts(Map<String, Tensor> tensors, Spelling spelling) {
    SequencedMap<String, byte[]> storages = new LinkedHashMap<>();
    TestPickle pickle = new TestPickle(spelling.python2);
    if (!spelling.wrapper.isEmpty()) {
      pickle.op(Opcode.EMPTY_DICT).op(Opcode.MARK).text("epoch").whole(12);
      pickle.text("best_loss").number().text(spelling.wrapper);
    }
    pickle.beginOrderedDict();
    int total = tensors.values().stream().mapToInt(t -> t.values().length).sum();
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    long counterKey = 1000;
    for (Map.Entry<String, Tensor> named : tensors.entrySet()) {
      String name = spelling.names.apply(named.getKey());
      Tensor tensor = named.getValue();
      float[] values = spelling.layout == Layout.TRANSPOSED ? transposed(tensor) : tensor.values();
      pickle.beginPair().text(name);
      String key;
      long first = 0;
      int elements = values.length;
      if (spelling.layout == Layout.SHARED) {
        key = "0";
        first = all.size() / spelling.type.bytes();
        elements = total;
        all.writeBytes(encoded(values, spelling.type));
      } else {
        key = Integer.toString(storages.size());
        storages.put(key, encoded(values, spelling.type));
      }
      List<Long> strides =
          spelling.layout == Layout.TRANSPOSED
              ? StoredArray.rowMajor(tensor.shape().reversed()).reversed()
              : StoredArray.rowMajor(tensor.shape());
      tensor(pickle, spelling, spelling.type, key, elements, first, tensor.shape(), strides);
      pickle.endPair();
      if (name.endsWith("running_var")) {
        pickle.beginPair().text(name.replace("running_var", "num_batches_tracked"));
        String counter = Long.toString(counterKey++);
        storages.put(counter, little(Long.BYTES).putLong(7).array());
        tensor(pickle, spelling, ElementType.LONG, counter, 1, 0, List.of(), List.of());
        pickle.endPair();
      }
    }
    pickle.endOrderedDict();
    if (spelling.layout == Layout.SHARED) {
      storages.put("0", all.toByteArray());
    }
    if (!spelling.wrapper.isEmpty()) {
      optimizer(pickle, spelling, storages);
      pickle.op(Opcode.SETITEMS);
    }
    return new Parts(pickle.stop(), storages, spelling.type);
  }

  /** State by the parameters' addresses, as it was once; a value of it, and settings. */
  private static void optimizer(
      TestPickle pickle, Spelling spelling, SequencedMap<String, byte[]> storages) {
    pickle.text("optimizer").op(Opcode.EMPTY_DICT).op(Opcode.MARK);
    pickle.text("state").op(Opcode.EMPTY_DICT).whole(140_234_567_890L).op(Opcode.EMPTY_DICT);
    pickle.text("exp_avg");
    storages.put("2000", new byte[8]);
    tensor(pickle, spelling, ElementType.DOUBLE, "2000", 1, 0, List.of(1), List.of(1L));
    pickle.op(Opcode.SETITEM).op(Opcode.SETITEM);
    pickle.text("param_groups").op(Opcode.EMPTY_LIST).op(Opcode.EMPTY_DICT);
    pickle.op(Opcode.MARK).text("betas").number().number().op(Opcode.TUPLE2);
    pickle.text("amsgrad").op(Opcode.NEWFALSE).text("foreach").op(Opcode.NONE);
    pickle.op(Opcode.SETITEMS).op(Opcode.APPEND).op(Opcode.SETITEMS);
  }

  private static void tensor(
      TestPickle pickle,
      Spelling spelling,
      ElementType type,
      String key,
      int elements,
      long first,
      List<Integer> shape,
      List<Long> strides) {
    pickle.global("torch._utils", "_rebuild_tensor" + (spelling.python2 ? "" : "_v2"));
    pickle.op(Opcode.MARK).op(Opcode.MARK).text("storage");
    pickle.global("torch", storageClass(type)).text(key).text("cuda:0").whole(elements);
    if (!spelling.zip) {
      pickle.op(Opcode.NONE);
    }
    pickle.op(Opcode.TUPLE).op(Opcode.BINPERSID).whole(first).wholes(shape).wholes(strides);
    if (!spelling.python2) {
      pickle.op(Opcode.NEWFALSE).global("collections", "OrderedDict");
      pickle.op(Opcode.EMPTY_TUPLE).op(Opcode.REDUCE);
    }
    pickle.op(Opcode.TUPLE).op(Opcode.REDUCE);
  }

  static String storageClass(ElementType type) {
    return switch (type) {
      case BFLOAT16 -> "BFloat16Storage";
      case DOUBLE -> "DoubleStorage";
      case FLOAT -> "FloatStorage";
      case HALF -> "HalfStorage";
      case LONG -> "LongStorage";
      case INT, SHORT, CHAR, BYTE, BOOL -> throw new IllegalArgumentException(type.toString());
    };
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] encoded(float[] values, ElementType type) {
    ByteBuffer into = little(values.length * type.bytes());
    for (float value : values) {
      switch (type) {
        case DOUBLE -> into.putDouble(value);
        case FLOAT -> into.putFloat(value);
        case HALF -> into.putShort(Float.floatToFloat16(value));
        case BFLOAT16 -> into.putShort((short) (Float.floatToRawIntBits(value) >> 16));
        case LONG, INT, SHORT, CHAR, BYTE, BOOL -> into.putLong((long) value);
      }
    }
    byte[] bytes = new byte[into.flip().remaining()];
    into.get(bytes);
    return bytes;
  }

  /** The values in the order of the reversed dimensions, as a column-major array has them. */
  private static float[] transposed(Tensor tensor) {
    float[] values = new float[tensor.values().length];
    List<Long> columnMajor = StoredArray.rowMajor(tensor.shape().reversed()).reversed();
    int[] index = new int[tensor.shape().size()];
    for (float value : tensor.values()) {
      int at = 0;
      for (int d = 0; d < index.length; d++) {
        at += index[d] * columnMajor.get(d).intValue();
      }
      values[at] = value;
      for (int d = index.length - 1; d >= 0 && ++index[d] == tensor.shape().get(d); d--) {
        index[d] = 0;
      }
    }
    return values;
  }

  /** What a zip of PyTorch's has, by name. */
  static SequencedMap<String, byte[]> entries(Parts parts) {
    SequencedMap<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("archive/data.pkl", parts.pickle);
    entries.put("archive/byteorder", "little".getBytes(StandardCharsets.UTF_8));
    parts.storages.forEach((key, bytes) -> entries.put("archive/data/" + key, bytes));
    entries.put("archive/version", "3\n".getBytes(StandardCharsets.UTF_8));
    return entries;
  }

  static byte[] zip(Map<String, byte[]> entries) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      for (Map.Entry<String, byte[]> named : entries.entrySet()) {
        ZipEntry entry = new ZipEntry(named.getKey());
        CRC32 crc = new CRC32();
        crc.update(named.getValue());
        entry.setSize(named.getValue().length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(named.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static byte[] legacy(Parts parts) {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(legacyHead(true));
    file.writeBytes(parts.pickle);
    List<String> keys = new ArrayList<>(parts.storages.keySet());
    Collections.sort(keys);
    TestPickle list = new TestPickle().op(Opcode.EMPTY_LIST).op(Opcode.MARK);
    keys.forEach(list::text);
    file.writeBytes(list.op(Opcode.APPENDS).stop());
    for (String key : keys) {
      byte[] storage = parts.storages.getOrDefault(key, new byte[0]);
      int size = key.length() == 4 ? Long.BYTES : parts.type.bytes();
      file.writeBytes(little(Long.BYTES).putLong(storage.length / size).array());
      file.writeBytes(storage);
    }
    return file.toByteArray();
  }

  /** Magic number, version and machine. */
  static byte[] legacyHead(boolean littleEndian) {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    int[] magic = {10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    head.writeBytes(new TestPickle().op(Opcode.LONG1).raw(magic).stop());
    head.writeBytes(new TestPickle().whole(1001).stop());
    TestPickle machine = new TestPickle().op(Opcode.EMPTY_DICT).op(Opcode.MARK);
    machine.text("protocol_version").whole(1001).text("little_endian");
    machine.op(littleEndian ? Opcode.NEWTRUE : Opcode.NEWFALSE);
    head.writeBytes(machine.op(Opcode.SETITEMS).stop());
    return head.toByteArray();
  }
}
