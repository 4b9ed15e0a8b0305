package io.pulmo.model.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A writer of pickles, instruction by instruction: what Python's pickler would not write too. */
final class TestPickle {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final boolean python2;

  /** Protocol 2; Python 2 writes strings and OrderedDicts in another way. */
  TestPickle(boolean python2) {
    this.python2 = python2;
    op(Opcode.PROTO).raw(2);
  }

  TestPickle() {
    this(false);
  }

  TestPickle op(Opcode opcode) {
    out.write(opcode.code());
    return this;
  }

  TestPickle raw(int... bytes) {
    for (int b : bytes) {
      out.write(b);
    }
    return this;
  }

  private TestPickle little(int bytes, long value) {
    byte[] all =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    out.write(all, 0, bytes);
    return this;
  }

  TestPickle global(String module, String name) {
    op(Opcode.GLOBAL);
    out.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
    return this;
  }

  TestPickle text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (python2 && bytes.length < 256) {
      op(Opcode.SHORT_BINSTRING).little(1, bytes.length);
    } else {
      op(python2 ? Opcode.BINSTRING : Opcode.BINUNICODE).little(4, bytes.length);
    }
    out.writeBytes(bytes);
    return this;
  }

  TestPickle whole(long value) {
    if (value >= 0 && value < 256) {
      return op(Opcode.BININT1).little(1, value);
    }
    if (value == (int) value) {
      return op(Opcode.BININT).little(4, value);
    }
    if (python2) {
      op(Opcode.INT);
      out.writeBytes((value + "\n").getBytes(StandardCharsets.UTF_8));
      return this;
    }
    return op(Opcode.LONG1).raw(8).little(8, value);
  }

  TestPickle wholes(Iterable<? extends Number> values) {
    op(Opcode.MARK);
    values.forEach(value -> whole(value.longValue()));
    return op(Opcode.TUPLE);
  }

  TestPickle memo(int slot) {
    return op(Opcode.LONG_BINPUT).little(4, slot);
  }

  TestPickle recall(int slot) {
    return op(Opcode.LONG_BINGET).little(4, slot);
  }

  /** A Python float. */
  TestPickle number() {
    return op(Opcode.BINFLOAT).little(8, 0x3ff0);
  }

  /** An OrderedDict that is to be filled by {@link #endOrderedDict}. */
  TestPickle beginOrderedDict() {
    global("collections", "OrderedDict");
    return python2
        ? op(Opcode.EMPTY_LIST).op(Opcode.MARK)
        : op(Opcode.EMPTY_TUPLE).op(Opcode.REDUCE).op(Opcode.MARK);
  }

  /** Comes before each pair's key. */
  TestPickle beginPair() {
    return python2 ? op(Opcode.EMPTY_LIST).op(Opcode.MARK) : this;
  }

  /** Comes behind each pair's value. */
  TestPickle endPair() {
    return python2 ? op(Opcode.APPENDS) : this;
  }

  TestPickle endOrderedDict() {
    return python2 ? op(Opcode.APPENDS).op(Opcode.TUPLE1).op(Opcode.REDUCE) : op(Opcode.SETITEMS);
  }

  byte[] stop() {
    op(Opcode.STOP);
    return out.toByteArray();
  }
}
