package io.pulmo.model.weights;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A reader of the pickles that {@code torch.save} makes of state dicts; it runs nothing.
 *
 * <p>A pickle is a program for a small stack machine, some of whose instructions import and call
 * whatever they like. Here only those instructions work that build numbers, strings, tuples, lists
 * and dicts; names are taken from {@link TorchGlobal} alone, and a call of one yields a
 * description. Everything else is refused by its name and place. Work and memory are bounded by the
 * number of instructions, and nothing recurses.
 */
final class PickleReader {
  /** A DenseNet-121 with Adam's two moments takes about 100,000. */
  static final int MOST_INSTRUCTIONS = 500_000;

  /** The longest pickle. */
  static final long MOST_BYTES = 16 << 20;

  private static final int MOST_STRING_BYTES = 1 << 20;
  private static final int MOST_INTEGER_BYTES = 16;
  private static final int MOST_NAME_BYTES = 256;
  private static final int NEWEST_PROTOCOL = 5;

  private static final Pickled.Tuple EMPTY = new Pickled.Tuple(List.of());

  /** What lies outside of a pickle, by the tuple that stands for it. */
  @FunctionalInterface
  interface Persistent {
    Pickled load(Pickled.Tuple id) throws Malformed;
  }

  private final PickleInput input;
  private final Persistent persistent;
  private final List<Pickled> stack = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>();
  private final Map<Integer, Pickled> memo = new HashMap<>();
  private Opcode opcode = Opcode.PROTO;
  private long opcodeOffset;

  private PickleReader(PickleInput input, Persistent persistent) {
    this.input = input;
    this.persistent = persistent;
  }

  /** Reads one pickle, up to its STOP. */
  static Pickled read(PickleInput input, Persistent persistent) throws IOException, Malformed {
    return new PickleReader(input, persistent).run();
  }

  /** Reads one pickle that has nothing outside. */
  static Pickled read(PickleInput input) throws IOException, Malformed {
    return read(
        input,
        id -> {
          throw new Malformed("refers to " + id.describe() + " outside, expected plain values");
        });
  }

  private Pickled run() throws IOException, Malformed {
    long start = input.offset();
    for (int count = 0; count < MOST_INSTRUCTIONS; count++) {
      opcodeOffset = input.offset();
      if (opcodeOffset - start > MOST_BYTES) {
        throw new Malformed(
            "%s: the pickle is longer than %d bytes".formatted(input.at(start), MOST_BYTES));
      }
      int code = input.unsignedByte();
      Optional<Opcode> known = Opcode.of(code);
      if (known.isEmpty()) {
        throw new Malformed(
            "%s is 0x%02x, which is no pickle's opcode: the file is damaged"
                .formatted(input.at(opcodeOffset), code));
      }
      opcode = known.get();
      if (opcode == Opcode.STOP) {
        Pickled result = pop();
        if (!stack.isEmpty() || !marks.isEmpty()) {
          throw refused("leaves " + stack.size() + " values over: the file is damaged");
        }
        return result;
      }
      execute();
    }
    throw new Malformed(
        "%s: the pickle has more than %d instructions"
            .formatted(input.at(start), MOST_INSTRUCTIONS));
  }

  private void execute() throws IOException, Malformed {
    switch (opcode) {
      case PROTO -> protocol();
      case FRAME -> input.signedLong();
      case MARK -> marks.add(stack.size());
      case NONE -> push(new Pickled.Opaque("None"));
      case NEWTRUE -> push(new Pickled.Truth(true));
      case NEWFALSE -> push(new Pickled.Truth(false));
      case BINFLOAT -> {
        input.signedLong();
        push(new Pickled.Opaque("a float"));
      }
      case BININT -> push(new Pickled.Whole(input.signedInt()));
      case BININT1 -> push(new Pickled.Whole(input.unsignedByte()));
      case BININT2 -> push(new Pickled.Whole(input.unsignedShort()));
      case INT -> push(decimal());
      case LONG1 -> push(integer(input.unsignedByte()));
      case LONG4 -> push(integer(input.signedInt()));
      case BINUNICODE -> push(text(length(input.signedInt())));
      case SHORT_BINUNICODE -> push(text(input.unsignedByte()));
      case BINUNICODE8 -> push(text(length(input.signedLong())));
      // Python 2's strings: names and keys, all of them ASCII.
      case BINSTRING -> push(text(length(input.signedInt())));
      case SHORT_BINSTRING -> push(text(input.unsignedByte()));
      case BINBYTES -> bytes(length(input.signedInt()));
      case SHORT_BINBYTES -> bytes(input.unsignedByte());
      case EMPTY_TUPLE -> push(EMPTY);
      case EMPTY_LIST -> push(new Pickled.Sequence());
      case EMPTY_DICT -> push(new Pickled.Dict(false));
      case TUPLE -> push(new Pickled.Tuple(popToMark()));
      case TUPLE1 -> push(new Pickled.Tuple(pop(1)));
      case TUPLE2 -> push(new Pickled.Tuple(pop(2)));
      case TUPLE3 -> push(new Pickled.Tuple(pop(3)));
      case APPEND -> append(pop(1));
      case APPENDS -> append(popToMark());
      case SETITEM -> putAll(pop(2));
      case SETITEMS -> putAll(popToMark());
      case GLOBAL -> name(input.line(MOST_NAME_BYTES), input.line(MOST_NAME_BYTES));
      case STACK_GLOBAL -> stackGlobal();
      case REDUCE -> reduce();
      case BUILD -> build();
      case BINPERSID -> persistentId();
      case BINPUT -> memo.put(input.unsignedByte(), top());
      case LONG_BINPUT -> memo.put(input.signedInt(), top());
      case MEMOIZE -> memo.put(memo.size(), top());
      case BINGET -> recall(input.unsignedByte());
      case LONG_BINGET -> recall(input.signedInt());
      case INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT1, EXT2, EXT4 ->
          throw refused("would make an object by running its class' code; nothing was run");
      case PERSID -> throw refused("would look up an object by a name that code resolves");
      case STOP -> throw new IllegalStateException("handled by the caller");
      case POP,
          POP_MARK,
          DUP,
          FLOAT,
          LONG,
          STRING,
          UNICODE,
          DICT,
          LIST,
          GET,
          PUT,
          BINBYTES8,
          EMPTY_SET,
          ADDITEMS,
          FROZENSET,
          BYTEARRAY8,
          NEXT_BUFFER,
          READONLY_BUFFER ->
          throw refused("is none that a state dict needs: the file is damaged, or no state dict");
    }
  }

  private Malformed refused(String why) {
    return new Malformed("opcode %s at %s %s".formatted(opcode, input.at(opcodeOffset), why));
  }

  private void protocol() throws IOException, Malformed {
    int version = input.unsignedByte();
    if (version > NEWEST_PROTOCOL) {
      throw refused("says protocol " + version + ", expected at most " + NEWEST_PROTOCOL);
    }
  }

  private void push(Pickled value) {
    stack.add(value);
  }

  /** Values below the newest mark are out of reach, as in Python's own reader. */
  private int floor() {
    return marks.isEmpty() ? 0 : marks.getLast();
  }

  private Pickled top() throws Malformed {
    if (stack.size() <= floor()) {
      throw refused("finds no value: the file is damaged");
    }
    return stack.getLast();
  }

  private Pickled pop() throws Malformed {
    Pickled top = top();
    stack.removeLast();
    return top;
  }

  private List<Pickled> pop(int count) throws Malformed {
    if (stack.size() - floor() < count) {
      throw refused("finds less than " + count + " values: the file is damaged");
    }
    return popFrom(stack.size() - count);
  }

  private List<Pickled> popToMark() throws Malformed {
    if (marks.isEmpty()) {
      throw refused("finds no mark: the file is damaged");
    }
    return popFrom(marks.removeLast());
  }

  private List<Pickled> popFrom(int from) {
    List<Pickled> tail = stack.subList(from, stack.size());
    List<Pickled> popped = List.copyOf(tail);
    tail.clear();
    return popped;
  }

  private void recall(int slot) throws Malformed {
    Pickled value = memo.get(slot);
    if (value == null) {
      throw refused("recalls slot " + slot + ", which is empty: the file is damaged");
    }
    push(value);
  }

  private int length(long announced) throws Malformed {
    if (announced < 0 || announced > MOST_STRING_BYTES) {
      throw refused(
          "announces %s bytes, expected at most %d"
              .formatted(Long.toUnsignedString(announced), MOST_STRING_BYTES));
    }
    return (int) announced;
  }

  private Pickled text(int bytes) throws IOException, Malformed {
    return new Pickled.Text(new String(input.bytes(bytes), StandardCharsets.UTF_8));
  }

  private void bytes(int count) throws IOException, Malformed {
    input.bytes(count);
    push(new Pickled.Opaque(count + " bytes"));
  }

  private Pickled integer(int bytes) throws IOException, Malformed {
    if (bytes < 0 || bytes > MOST_INTEGER_BYTES) {
      throw refused(
          "announces an integer of %d bytes, expected at most %d"
              .formatted(bytes, MOST_INTEGER_BYTES));
    }
    byte[] little = input.bytes(bytes);
    byte[] big = new byte[bytes + 1];
    for (int i = 0; i < bytes; i++) {
      big[bytes - i] = little[i];
    }
    big[0] = (byte) (bytes > 0 && little[bytes - 1] < 0 ? -1 : 0);
    BigInteger value = new BigInteger(big);
    return value.bitLength() < Long.SIZE
        ? new Pickled.Whole(value.longValue())
        : new Pickled.Large(value);
  }

  /** Python 2 writes integers beyond 32 bits in decimal digits. */
  private Pickled decimal() throws IOException, Malformed {
    String digits = input.line(20);
    try {
      return new Pickled.Whole(Long.parseLong(digits));
    } catch (NumberFormatException e) {
      throw refused("has '" + digits + "', expected an integer of 64 bits");
    }
  }

  private void append(List<Pickled> values) throws Malformed {
    if (!(top() instanceof Pickled.Sequence list)) {
      throw refused("appends to " + top().describe() + ", expected a list");
    }
    list.items.addAll(values);
  }

  private void putAll(List<Pickled> keysAndValues) throws Malformed {
    if (!(top() instanceof Pickled.Dict dict) || keysAndValues.size() % 2 != 0) {
      throw refused(
          "puts %d keys and values into %s, expected pairs and a dict"
              .formatted(keysAndValues.size(), top().describe()));
    }
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      dict.put(keysAndValues.get(i), keysAndValues.get(i + 1));
    }
  }

  private void stackGlobal() throws Malformed {
    List<Pickled> names = pop(2);
    if (names.getFirst() instanceof Pickled.Text(String module)
        && names.getLast() instanceof Pickled.Text(String name)) {
      name(module, name);
    } else {
      throw refused("names " + names.getFirst().describe() + ", expected two strings");
    }
  }

  private void name(String module, String name) throws Malformed {
    TorchGlobal global =
        TorchGlobal.of(module, name)
            .orElseThrow(
                () ->
                    refused(
                        ("names %s.%s, which could run code and is not among what a state dict"
                                + " needs; nothing was run. Save the model's state_dict() alone")
                            .formatted(module, name)));
    push(new Pickled.Named(global, module + "." + name));
  }

  private void reduce() throws Malformed {
    List<Pickled> call = pop(2);
    if (!(call.getFirst() instanceof Pickled.Named named)
        || !(call.getLast() instanceof Pickled.Tuple arguments)) {
      throw refused(
          "would call %s with %s; nothing was run"
              .formatted(call.getFirst().describe(), call.getLast().describe()));
    }
    try {
      push(TorchGlobal.call(named, arguments.items()));
    } catch (Malformed e) {
      throw refused(String.valueOf(e.getMessage()));
    }
  }

  /** An OrderedDict's attributes and a NumPy type's are left aside; nothing else may have any. */
  private void build() throws Malformed {
    Pickled state = pop();
    boolean known =
        (top() instanceof Pickled.Dict dict && dict.ordered && state instanceof Pickled.Dict)
            || (top() instanceof Pickled.Opaque && state instanceof Pickled.Tuple);
    if (!known) {
      throw refused(
          "would run %s's own code on %s; nothing was run"
              .formatted(top().describe(), state.describe()));
    }
  }

  private void persistentId() throws Malformed {
    Pickled id = pop();
    if (!(id instanceof Pickled.Tuple tuple)) {
      throw refused("refers to " + id.describe() + ", expected a storage's tuple");
    }
    try {
      push(persistent.load(tuple));
    } catch (Malformed e) {
      throw refused(String.valueOf(e.getMessage()));
    }
  }
}
