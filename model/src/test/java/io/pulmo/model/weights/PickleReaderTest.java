package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.network.DenseNetSpec;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PickleReaderTest {
  private static final DenseNetSpec TINY = new DenseNetSpec(4, 4, 2, List.of(2, 2));

  private final Path file;

  PickleReaderTest(@TempDir Path directory) {
    file = directory.resolve("object.pkl");
  }

  private Pickled read(byte[] pickle) throws IOException, Malformed {
    Files.write(file, pickle);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return PickleReader.read(new PickleInput(channel, 0, pickle.length, "data.pkl"));
    }
  }

  private void assertRefused(byte[] pickle, String... expected) {
    Malformed e = assertThrows(Malformed.class, () -> read(pickle));
    for (String part : expected) {
      assertTrue(String.valueOf(e.getMessage()).contains(part), e::getMessage);
    }
  }

  @Test
  void read_commandByGlobal_isRefusedByOpcodeAndPlace() {
    TestPickle pickle = new TestPickle().global("os", "system").text("touch /tmp/run");
    assertRefused(
        pickle.op(Opcode.TUPLE1).op(Opcode.REDUCE).stop(),
        "opcode GLOBAL at byte 2 of data.pkl names os.system",
        "could run code",
        "nothing was run");
  }

  @Test
  void read_commandByStackGlobal_isRefusedByOpcodeAndPlace() {
    TestPickle pickle = new TestPickle().text("posix").text("system").op(Opcode.STACK_GLOBAL);
    assertRefused(
        pickle.text("id").op(Opcode.TUPLE1).op(Opcode.REDUCE).stop(),
        "opcode STACK_GLOBAL at byte 23 of data.pkl names posix.system");
  }

  @Test
  void read_commandInAStateDict_isRefusedWithTheFilesName() throws IOException {
    Weights weights = Initialization.random(TINY, 1);
    for (TestPth.Spelling spelling :
        List.of(TestPth.Spelling.PLAIN, TestPth.Spelling.PLAIN.legacy())) {
      TestPth.Parts parts = TestPth.parts(weights.tensors(), spelling);
      TestPickle hostile = new TestPickle().op(Opcode.EMPTY_DICT).text("state_dict");
      hostile.global("builtins", "eval").text("1").op(Opcode.TUPLE1).op(Opcode.REDUCE);
      TestPth.Parts poisoned =
          new TestPth.Parts(hostile.op(Opcode.SETITEM).stop(), parts.storages(), parts.type());
      Files.write(
          file, spelling.zip() ? TestPth.zip(TestPth.entries(poisoned)) : TestPth.legacy(poisoned));
      WeightsFileException e =
          assertThrows(WeightsFileException.class, () -> WeightsFile.read(file));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.startsWith(file + ": opcode GLOBAL at byte "), message);
      assertTrue(message.contains("names builtins.eval"), message);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Opcode.class,
      names = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID"})
  void read_opcodeThatMakesObjects_isRefusedByItsName(Opcode opcode) {
    byte[] pickle = new TestPickle().op(Opcode.MARK).op(opcode).raw(0, 0, 0, 0).stop();
    assertRefused(pickle, "opcode " + opcode + " at byte 3 of data.pkl would ");
  }

  @Test
  void read_callOfWhatIsNoFunction_isRefused() {
    assertRefused(
        new TestPickle().text("os.system").op(Opcode.EMPTY_TUPLE).op(Opcode.REDUCE).stop(),
        "opcode REDUCE at byte 17 of data.pkl would call the string 'os.system'");
    assertRefused(
        new TestPickle()
            .global("torch", "FloatStorage")
            .wholes(List.of(4))
            .op(Opcode.REDUCE)
            .stop(),
        "opcode REDUCE",
        "calls torch.FloatStorage");
  }

  @Test
  void read_attributesOfWhatHasNone_areRefused() {
    TestPickle pickle = new TestPickle().op(Opcode.EMPTY_DICT).op(Opcode.EMPTY_DICT);
    assertRefused(
        pickle.op(Opcode.BUILD).stop(), "opcode BUILD at byte 4 of data.pkl would run a dict of 0");
  }

  @Test
  void read_unusualOpcodes_areRefusedByTheirNames() {
    Set<Opcode> unusual =
        EnumSet.of(Opcode.POP, Opcode.DUP, Opcode.FLOAT, Opcode.DICT, Opcode.GET, Opcode.FROZENSET);
    for (Opcode opcode : unusual) {
      assertRefused(new TestPickle().op(opcode).stop(), "opcode " + opcode + " at byte 2");
    }
    assertRefused(new TestPickle().raw(0xff).stop(), "byte 2 of data.pkl is 0xff");
  }

  @Test
  void read_globalOfAnotherName_isNotTakenForAnAllowedOne() {
    for (String module : List.of("torch ", "Torch", "torch.FloatStorage", "")) {
      assertRefused(new TestPickle().global(module, "FloatStorage").stop(), "opcode GLOBAL");
    }
    for (String name : List.of("load", "hub", "float32.x", "", "ComplexFloatStorage")) {
      assertRefused(new TestPickle().global("torch", name).stop(), "names torch." + name);
    }
  }

  @Test
  void read_stackBelowTheMark_isOutOfReach() {
    TestPickle pickle = new TestPickle().whole(1).op(Opcode.MARK).op(Opcode.TUPLE1);
    assertRefused(pickle.stop(), "opcode TUPLE1", "finds less than 1 values");
    assertRefused(new TestPickle().stop(), "opcode STOP", "finds no value");
    assertRefused(new TestPickle().op(Opcode.TUPLE).stop(), "opcode TUPLE", "finds no mark");
    assertRefused(new TestPickle().whole(1).whole(2).stop(), "opcode STOP", "leaves 1 values");
    assertRefused(new TestPickle().recall(3).stop(), "recalls slot 3");
  }

  @Test
  void read_sizesThatLie_areRefusedBeforeRoomIsMade() {
    assertRefused(
        new TestPickle().op(Opcode.BINUNICODE).raw(0xff, 0xff, 0xff, 0x7f).stop(),
        "announces 2147483647 bytes");
    assertRefused(new TestPickle().op(Opcode.BINUNICODE).raw(0, 0, 8, 0).stop(), "but 1 are left");
    assertRefused(
        new TestPickle().op(Opcode.LONG4).raw(0, 0, 0, 0x40).stop(), "an integer of 1073741824");
    assertRefused(
        new TestPickle().global("x".repeat(300), "y").stop(), "a line is longer than 256 bytes");
  }

  @Test
  void read_endlessInstructions_areBounded() {
    byte[] pickle = new byte[2_000_000];
    Arrays.fill(pickle, (byte) Opcode.EMPTY_DICT.code());
    assertRefused(pickle, "more than 500000 instructions");
  }

  /** Neither reading nor describing recurses. */
  @Test
  void read_deepNesting_isNoMatterOfTheStack() throws IOException, Malformed {
    byte[] pickle = new byte[400_000];
    Arrays.fill(pickle, (byte) Opcode.TUPLE1.code());
    pickle[0] = (byte) Opcode.EMPTY_TUPLE.code();
    pickle[pickle.length - 1] = (byte) Opcode.STOP.code();
    assertEquals("a tuple of 1", read(pickle).describe());
  }

  @Test
  void read_integersOfAnyLength_keepTheirSign() throws IOException, Malformed {
    assertEquals(new Pickled.Whole(0), read(new TestPickle().op(Opcode.LONG1).raw(0).stop()));
    assertEquals(
        new Pickled.Whole(-2), read(new TestPickle().op(Opcode.LONG1).raw(1, 0xfe).stop()));
    assertEquals(
        new Pickled.Whole(200), read(new TestPickle().op(Opcode.LONG1).raw(2, 200, 0).stop()));
    assertEquals(new Pickled.Whole(-5), read(new TestPickle().whole(-5).stop()));
    assertEquals(new Pickled.Whole(1L << 40), read(new TestPickle(true).whole(1L << 40).stop()));
    assertInstanceOf(
        Pickled.Large.class,
        read(new TestPickle().op(Opcode.LONG1).raw(9, 0, 0, 0, 0, 0, 0, 0, 0, 1).stop()));
  }

  @Test
  void read_memoByBothWays_recallsTheSame() throws IOException, Malformed {
    TestPickle put = new TestPickle().text("a").memo(70_000).recall(70_000).op(Opcode.TUPLE2);
    TestPickle memoized =
        new TestPickle().text("a").op(Opcode.MEMOIZE).op(Opcode.BINGET).raw(0).op(Opcode.TUPLE2);
    Pickled expected = new Pickled.Tuple(List.of(new Pickled.Text("a"), new Pickled.Text("a")));
    assertEquals(expected, read(put.stop()));
    assertEquals(expected, read(memoized.stop()));
  }

  @Test
  void read_numPyNumber_isPassedOver() throws IOException, Malformed {
    TestPickle pickle = new TestPickle().global("numpy.core.multiarray", "scalar");
    pickle.global("numpy", "dtype").text("f8").whole(0).whole(1).op(Opcode.TUPLE3);
    pickle.op(Opcode.REDUCE).op(Opcode.MARK).whole(3).text("<").op(Opcode.NONE);
    pickle.op(Opcode.TUPLE).op(Opcode.BUILD).global("_codecs", "encode").text("12345678");
    pickle.text("latin1").op(Opcode.TUPLE2).op(Opcode.REDUCE).op(Opcode.TUPLE2);
    Pickled read = read(pickle.op(Opcode.REDUCE).stop());
    assertEquals("a value of numpy.core.multiarray.scalar", read.describe());
  }

  @Test
  void read_tensorOutsideOfItsStorage_isRefused() throws IOException {
    for (long[] offsetSizeStride :
        new long[][] {
          {0, 5, 1}, {1, 4, 1}, {0, 2, 4}, {-1, 1, 1}, {0, 2, -1}, {5, 1, 1}, {0, 2, Long.MAX_VALUE}
        }) {
      TestPickle pickle = new TestPickle().op(Opcode.EMPTY_DICT).text("t");
      pickle.global("torch._utils", "_rebuild_tensor").op(Opcode.MARK).op(Opcode.MARK);
      pickle.text("storage").global("torch", "FloatStorage").text("0").text("cpu").whole(4);
      pickle.op(Opcode.TUPLE).op(Opcode.BINPERSID).whole(offsetSizeStride[0]);
      pickle.wholes(List.of(offsetSizeStride[1])).wholes(List.of(offsetSizeStride[2]));
      pickle.op(Opcode.TUPLE).op(Opcode.REDUCE).op(Opcode.SETITEM);
      TestPth.Parts parts =
          new TestPth.Parts(
              pickle.stop(), new LinkedHashMap<>(Map.of("0", new byte[16])), ElementType.FLOAT);
      Files.write(file, TestPth.zip(TestPth.entries(parts)));
      WeightsFileException e =
          assertThrows(WeightsFileException.class, () -> WeightsFile.read(file));
      assertTrue(
          String.valueOf(e.getMessage()).contains("not within its storage of 4"), e::getMessage);
    }
  }
}
