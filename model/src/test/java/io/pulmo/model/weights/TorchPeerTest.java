package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that PyTorch itself saved, in the spellings that it has, bit for bit. */
class TorchPeerTest {
  private static final String SCRIPT = "save_weights.py";
  private static final long PATIENCE_SECONDS = 300;

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  static Path folder;

  private static boolean saved;

  /** In each test, so that each is seen to be skipped. */
  @BeforeEach
  void save() throws IOException, InterruptedException {
    String python = System.getProperty("pulmo.peers", "");
    Assumptions.assumeTrue(
        !python.isEmpty(), "skipped: no -Dpulmo.peers=PYTHON with torch, torchvision and numpy");
    if (saved) {
      return;
    }
    Path script = folder.resolve(SCRIPT);
    try (InputStream source = TorchPeerTest.class.getResourceAsStream(SCRIPT)) {
      Files.copy(Objects.requireNonNull(source, SCRIPT), script);
    }
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(python, script.toString(), folder.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    String output = Files.readString(log);
    assertTrue(ended && process.exitValue() == 0, output);
    assertTrue(!output.contains("this must not run"), output);
    saved = true;
  }

  private static List<Path> files(String suffix) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(file -> file.toString().endsWith(suffix)).sorted().toList();
    }
  }

  private static float[] values(Path pth) throws IOException {
    Path file = Path.of(pth.toString().replace(".pth", ".f32"));
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  private static int[] bits(Weights weights) {
    return weights.tensors().values().stream()
        .flatMapToInt(tensor -> Arrays.stream(bits(tensor.values())))
        .toArray();
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  @Test
  void read_everySpelling_isPyTorchsValuesBitForBit() throws IOException {
    int read = 0;
    for (Path file : files(".pth")) {
      if (file.endsWith("imagenet.pth")) {
        continue;
      }
      WeightsFile.Contents contents = WeightsFile.read(file);
      assertEquals(Preset.SMALL, contents.preset(), file.toString());
      assertArrayEquals(bits(values(file)), bits(contents.weights()), file.toString());
      read++;
    }
    assertEquals(26, read);
  }

  @Test
  void readInitial_imageNetsNetwork_isItsBodyWithADrawnHead() throws IOException {
    Path file = folder.resolve("imagenet.pth");
    DenseNetSpec network = Preset.CHEXNET.network();
    float[] values = values(file);
    Weights weights = WeightsFile.readInitial(file, network, 3);
    int[] bits = bits(weights);
    int body = bits.length - 14 * 1025;
    assertEquals(values.length - 1000 * 1025, body);
    assertArrayEquals(bits(Arrays.copyOf(values, body)), Arrays.copyOf(bits, body));
    assertArrayEquals(bits, bits(WeightsFile.readInitial(file, network, 3)));
    WeightsFileException e = assertThrows(WeightsFileException.class, () -> WeightsFile.read(file));
    assertTrue(String.valueOf(e.getMessage()).contains("1000 classes"), e::getMessage);
  }

  @Test
  void read_whatWouldRunCode_isRefusedByOpcode() throws IOException {
    List<Path> files = files(".bad");
    assertEquals(7, files.size());
    for (Path file : files) {
      WeightsFileException e =
          assertThrows(WeightsFileException.class, () -> WeightsFile.read(file));
      String message = String.valueOf(e.getMessage());
      String name = file.getFileName().toString();
      if (name.startsWith("hostile-2")) {
        assertTrue(message.matches("(?s).*opcode GLOBAL at byte \\d+ .*posix.system.*"), message);
      } else if (name.startsWith("hostile-4")) {
        assertTrue(
            message.matches("(?s).*opcode STACK_GLOBAL at byte \\d+ .*posix.system.*"), message);
      } else if (name.startsWith("whole-model")) {
        assertTrue(message.contains("names torchvision.models.densenet.DenseNet"), message);
      } else {
        assertTrue(message.contains("a list of 2"), message);
      }
      assertTrue(message.getBytes(StandardCharsets.UTF_8).length < 1000, message);
    }
  }
}
