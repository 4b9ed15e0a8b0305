package io.pulmo.model.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** Files that are as costly as the limits allow, or a little more. */
final class WeightsExtremes {
  private static final int INSTRUCTIONS = 499_000;
  private static final int ZIP_ENTRIES = 16_000;

  private WeightsExtremes() {}

  static List<byte[]> all() {
    List<byte[]> all = new ArrayList<>();
    TestPickle dicts = new TestPickle();
    TestPickle filled = new TestPickle();
    TestPickle memo = new TestPickle();
    TestPickle nested = new TestPickle().op(Opcode.EMPTY_TUPLE);
    for (int i = 0; i < INSTRUCTIONS; i++) {
      dicts.op(Opcode.EMPTY_DICT);
      nested.op(Opcode.TUPLE1);
    }
    for (int i = 0; i < INSTRUCTIONS / 4; i++) {
      filled.op(Opcode.EMPTY_DICT).whole(i).op(Opcode.NONE).op(Opcode.SETITEM);
    }
    memo.op(Opcode.NONE);
    for (int i = 0; i < INSTRUCTIONS; i++) {
      memo.memo(i * 65_521);
    }
    TestPickle strings = new TestPickle();
    String longest = "x".repeat(1 << 20);
    for (int i = 0; i < 15; i++) {
      strings.text(longest);
    }
    for (TestPickle pickle : List.of(dicts, filled, memo, nested, strings)) {
      ByteArrayOutputStream file = new ByteArrayOutputStream();
      file.writeBytes(TestPth.legacyHead(true));
      file.writeBytes(pickle.stop());
      file.writeBytes(new TestPickle().op(Opcode.EMPTY_LIST).stop());
      all.add(file.toByteArray());
    }
    SequencedMap<String, byte[]> entries = new LinkedHashMap<>();
    for (int i = 0; i < ZIP_ENTRIES; i++) {
      entries.put("a/" + i, new byte[0]);
    }
    all.add(TestPth.zip(entries));
    StringBuilder json = new StringBuilder("{");
    for (int i = 0; i < ZIP_ENTRIES; i++) {
      json.append(i == 0 ? "" : ",").append('"').append(i);
      json.append("\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}");
    }
    all.add(safetensors(json.append('}').toString()));
    all.add(safetensors("{\"" + "y".repeat(4_000_000) + "\":1}"));
    return all;
  }

  private static byte[] safetensors(String header) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    byte[] file = new byte[Long.BYTES + json.length];
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json);
    return file;
  }
}
