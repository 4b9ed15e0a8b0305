package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.TestPth.Layout;
import io.pulmo.model.weights.TestPth.Spelling;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TorchFileTest {
  private static final DenseNetSpec TINY = new DenseNetSpec(4, 4, 2, List.of(2, 2));
  private static final Weights WEIGHTS = Initialization.random(TINY, 1);

  private final Path file;

  TorchFileTest(@TempDir Path directory) {
    file = directory.resolve("weights.pth.tar");
  }

  private Weights read(Spelling spelling) throws IOException {
    return read(TestPth.bytes(WEIGHTS.tensors(), spelling));
  }

  private Weights read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    return WeightsFile.read(file, TINY);
  }

  private static void assertSame(Weights read) {
    assertArrayEquals(WEIGHTS.learned(), read.learned());
    assertArrayEquals(WEIGHTS.statistics(), read.statistics());
  }

  private void assertRefused(byte[] bytes, String... expected) {
    WeightsFileException e = assertThrows(WeightsFileException.class, () -> read(bytes));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.startsWith(file + ": "), message);
    for (String part : expected) {
      assertTrue(message.contains(part), message);
    }
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void read_bothFormatsOfAnyLayout_areTheSameWeights(Layout layout) throws IOException {
    assertSame(read(Spelling.PLAIN.lying(layout)));
    assertSame(read(Spelling.PLAIN.lying(layout).legacy()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "module.", "densenet121.", "module.densenet121.", "model.module."})
  void read_namesOfTheWild_areTheNetworks(String prefix) throws IOException {
    Spelling former =
        Spelling.PLAIN.named(
            name ->
                prefix
                    + name.replaceAll("(denselayer.*(norm|conv))([12])", "$1.$3")
                        .replace("classifier.", "classifier.0."));
    assertSame(read(former));
    assertSame(read(former.legacy().under("state_dict").byPython2()));
    assertSame(read(Spelling.PLAIN.named(name -> prefix + name)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"state_dict", "model_state_dict", "model"})
  void read_checkpoint_isItsModel(String wrapper) throws IOException {
    assertSame(read(Spelling.PLAIN.under(wrapper)));
    assertSame(read(Spelling.PLAIN.under(wrapper).legacy()));
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"DOUBLE", "HALF", "BFLOAT16"})
  void read_otherFloats_becomeFloat32(ElementType type) throws IOException {
    SequencedMap<String, Tensor> expected = new LinkedHashMap<>();
    WEIGHTS
        .tensors()
        .forEach(
            (name, tensor) -> expected.put(name, new Tensor(tensor.shape(), as(type, tensor))));
    for (Layout layout : Layout.values()) {
      Weights read = read(Spelling.PLAIN.of(type).lying(layout));
      assertArrayEquals(new Weights(TINY, expected).learned(), read.learned());
      assertArrayEquals(
          read.learned(), read(Spelling.PLAIN.of(type).lying(layout).legacy()).learned());
    }
  }

  private static float[] as(ElementType type, Tensor tensor) {
    float[] values = tensor.values().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case HALF -> Float.float16ToFloat(Float.floatToFloat16(values[i]));
            case BFLOAT16 -> Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xffff0000);
            default -> values[i];
          };
    }
    return values;
  }

  @Test
  void read_withoutSpec_tellsThePresetByTheShapes() throws IOException {
    Weights small = Initialization.random(Preset.SMALL.network(), 2);
    Files.write(file, TestPth.bytes(small.tensors(), Spelling.PLAIN));
    WeightsFile.Contents contents = WeightsFile.read(file);
    assertEquals(Preset.SMALL, contents.preset());
    assertArrayEquals(small.learned(), contents.weights().learned());
    assertEquals(Map.of(), contents.metadata());
  }

  @Test
  void read_networkOfAnotherPreset_namesIt() throws IOException {
    Weights small = Initialization.random(Preset.SMALL.network(), 2);
    assertRefused(
        TestPth.bytes(small.tensors(), Spelling.PLAIN),
        "fits the preset small",
        "features.conv0.weight has shape [16, 3, 7, 7], expected [4, 3, 7, 7] and ");
  }

  @Test
  void read_networkOfNoPreset_namesTheNearest() throws IOException {
    Files.write(file, TestPth.bytes(WEIGHTS.tensors(), Spelling.PLAIN));
    WeightsFileException e = assertThrows(WeightsFileException.class, () -> WeightsFile.read(file));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("fits no preset's network; the nearest is small: "), message);
    assertTrue(message.contains("features.conv0.weight has shape [4, 3, 7, 7]"), message);
    assertTrue(message.matches("(?s).*; and [0-9]+ more"), message);
  }

  @Test
  void read_imageNetsHead_isRefusedForFindingsAndDrawnForTraining() throws IOException {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>(WEIGHTS.tensors());
    int inputs = WEIGHTS.tensors().getOrDefault("classifier.weight", none()).shape().getLast();
    tensors.put("classifier.weight", new Tensor(List.of(1000, inputs), new float[1000 * inputs]));
    tensors.put("classifier.bias", new Tensor(List.of(1000), new float[1000]));
    byte[] bytes = TestPth.bytes(tensors, Spelling.PLAIN.named(name -> "module." + name).legacy());
    assertRefused(bytes, "1000 classes of ImageNet", "expected 14 outputs", "init:");

    Weights one = WeightsFile.readInitial(file, TINY, 5);
    assertArrayEquals(one.learned(), WeightsFile.readInitial(file, TINY, 5).learned());
    float[] other = WeightsFile.readInitial(file, TINY, 6).learned();
    int head = 14 * inputs + 14;
    int body = one.learned().length - head;
    assertArrayEquals(Arrays.copyOf(WEIGHTS.learned(), body), Arrays.copyOf(one.learned(), body));
    assertArrayEquals(Arrays.copyOf(one.learned(), body), Arrays.copyOf(other, body));
    int differ = 0;
    for (int i = body; i < body + 14 * inputs; i++) {
      differ += one.learned()[i] == other[i] ? 0 : 1;
      assertTrue(Math.abs(one.learned()[i]) <= 1 / Math.sqrt(inputs));
    }
    assertTrue(differ > 14 * inputs / 2, "only " + differ + " differ");
  }

  private static Tensor none() {
    return new Tensor(List.of(0), new float[0]);
  }

  @Test
  void readInitial_findingsHead_isKept() throws IOException {
    Files.write(file, TestPth.bytes(WEIGHTS.tensors(), Spelling.PLAIN));
    assertSame(WeightsFile.readInitial(file, TINY, 5));
  }

  @Test
  void read_missingSurplusAndMisshapen_areListedByTheFilesNames() {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>(WEIGHTS.tensors());
    tensors.remove("features.norm0.bias");
    tensors.put("stray", new Tensor(List.of(1), new float[1]));
    tensors.put("classifier.bias", new Tensor(List.of(2), new float[2]));
    assertRefused(
        TestPth.bytes(tensors, Spelling.PLAIN.named(name -> "module." + name)),
        "missing features.norm0.bias",
        "surplus module.stray",
        "module.classifier.bias has shape [2], expected [14]");
  }

  @Test
  void read_twoSpellingsOfOneName_areNamed() {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>(WEIGHTS.tensors());
    tensors.put("module.classifier.0.bias", new Tensor(List.of(14), new float[14]));
    assertRefused(
        TestPth.bytes(tensors, Spelling.PLAIN),
        "classifier.bias and module.classifier.0.bias are both classifier.bias");
  }

  @Test
  void read_weightsThatAreNoNumbers_areNamed() {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>(WEIGHTS.tensors());
    float[] bias = new float[14];
    bias[3] = Float.NaN;
    tensors.put("classifier.bias", new Tensor(List.of(14), bias));
    assertRefused(TestPth.bytes(tensors, Spelling.PLAIN), "classifier.bias has NaN at 3");
  }

  @Test
  void read_wrongByteInAZip_isFoundByItsChecksum() {
    byte[] bytes = TestPth.bytes(WEIGHTS.tensors(), Spelling.PLAIN);
    byte[] last =
        Objects.requireNonNull(
            TestPth.parts(WEIGHTS.tensors(), Spelling.PLAIN).storages().get("0"));
    int at = indexOf(bytes, last);
    bytes[at] ^= 1;
    assertRefused(bytes, "archive/data/0 has checksum", "fetch it again");
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    for (int at = 0; at + part.length <= bytes.length; at++) {
      if (Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
        return at;
      }
    }
    throw new AssertionError("not there");
  }

  @Test
  void read_cutOff_isRefusedAtEveryLength() throws IOException {
    for (Spelling spelling : List.of(Spelling.PLAIN, Spelling.PLAIN.legacy())) {
      byte[] bytes = TestPth.bytes(WEIGHTS.tensors(), spelling);
      for (int length = 0; length < bytes.length; length += 97) {
        assertRefused(Arrays.copyOf(bytes, length), "");
      }
    }
  }

  @Test
  void read_bigEndian_isRefused() {
    TestPth.Parts parts = TestPth.parts(WEIGHTS.tensors(), Spelling.PLAIN);
    SequencedMap<String, byte[]> entries = TestPth.entries(parts);
    entries.put("archive/byteorder", "big".getBytes(StandardCharsets.UTF_8));
    assertRefused(TestPth.zip(entries), "byte order 'big'", "little-endian machine");
    assertRefused(TestPth.legacyHead(false), "little-endian");
  }

  @Test
  void read_torchScript_isRefused() {
    SequencedMap<String, byte[]> entries =
        TestPth.entries(TestPth.parts(WEIGHTS.tensors(), Spelling.PLAIN));
    entries.put("archive/constants.pkl", new TestPickle().op(Opcode.EMPTY_TUPLE).stop());
    assertRefused(TestPth.zip(entries), "TorchScript", "state_dict()");
  }

  @Test
  void read_storageThatIsNotThere_isNamedWithItsTensor() {
    SequencedMap<String, byte[]> entries =
        TestPth.entries(TestPth.parts(WEIGHTS.tensors(), Spelling.PLAIN));
    entries.remove("archive/data/1");
    assertRefused(TestPth.zip(entries), "features.norm0.weight has a storage of 4 F32 in data/1");
    entries.put("archive/data/1", new byte[15]);
    assertRefused(TestPth.zip(entries), "features.norm0.weight", "has 15 bytes");
  }

  @Test
  void read_otherFiles_areCalledWhatTheyAre() {
    assertRefused(new byte[0], "has 0 bytes");
    assertRefused("just words, no weights\n".getBytes(StandardCharsets.UTF_8), "neither");
    assertRefused(new byte[] {(byte) 0x89, 'H', 'D', 'F', 13, 10}, "HDF5", "convert");
    assertRefused(new byte[] {0x1f, (byte) 0x8b, 8}, "gzip", "gunzip");
    byte[] tar = new byte[1024];
    System.arraycopy("ustar".getBytes(StandardCharsets.UTF_8), 0, tar, 257, 5);
    assertRefused(tar, "is a tar", "unpack");
    assertRefused(new TestPickle().whole(1).stop(), "is a pickle, but not one of torch.save");
    assertRefused(
        TestPth.zip(Map.of("a.txt", new byte[3])), "is a zip with 0 entries", "torch.save");
  }
}
