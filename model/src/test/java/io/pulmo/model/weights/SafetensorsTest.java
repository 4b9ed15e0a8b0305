package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsTest {
  private static final float[] ODD_VALUES = {
    0, -0f, 1.5f, Float.MIN_VALUE, Float.POSITIVE_INFINITY, Float.NaN
  };

  private static final Tensor NONE = new Tensor(List.of(0), new float[0]);

  @TempDir Path directory = Path.of("");

  @BeforeProperty
  void makeDirectory() throws IOException {
    directory = Files.createTempDirectory("safetensors");
  }

  @AfterProperty
  void deleteDirectory() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @Provide
  Arbitrary<List<Tensor>> tensors() {
    return Arbitraries.integers()
        .between(0, 5)
        .list()
        .ofMaxSize(4)
        .map(
            shape -> {
              float[] values = new float[shape.stream().reduce(1, Math::multiplyExact)];
              for (int i = 0; i < values.length; i++) {
                values[i] = i < ODD_VALUES.length ? ODD_VALUES[i] : 1f / i;
              }
              return new Tensor(shape, values);
            })
        .list()
        .ofMaxSize(6);
  }

  @Property(tries = 200)
  void write_anyArrays_readBackTheSame(
      @ForAll("tensors") List<Tensor> tensors, @ForAll String name, @ForAll String value)
      throws IOException {
    SequencedMap<String, Tensor> written = new LinkedHashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      written.put(printable(name) + i, tensors.get(i));
    }
    Map<String, String> metadata = Map.of("key", printable(value));
    Path file = directory.resolve("round.safetensors");
    Safetensors.write(file, written, metadata);
    Safetensors.Contents read = Safetensors.read(file);
    assertEquals(metadata, read.metadata());
    assertEquals(List.copyOf(written.keySet()), List.copyOf(read.tensors().keySet()));
    read.tensors()
        .forEach(
            (key, tensor) -> {
              assertEquals(written.getOrDefault(key, NONE).shape(), tensor.shape());
              assertArrayEquals(bits(written.getOrDefault(key, NONE)), bits(tensor));
            });
  }

  /** Unpaired surrogates have no UTF-8. */
  private static String printable(String any) {
    return new String(any.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }

  private static int[] bits(Tensor tensor) {
    int[] bits = new int[tensor.values().length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(tensor.values()[i]);
    }
    return bits;
  }

  @Test
  void write_manyChunks_readBackTheSame() throws IOException {
    float[] values = new float[700_001];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    Path file = directory.resolve("large.safetensors");
    Safetensors.write(file, one("a", new Tensor(List.of(values.length), values)), Map.of());
    assertArrayEquals(values, Safetensors.read(file).tensors().getOrDefault("a", NONE).values());
  }

  @Test
  void write_existingFile_isReplacedAndLeavesNothingElse() throws IOException {
    Path file = directory.resolve("w.safetensors");
    Safetensors.write(file, one("a", new Tensor(List.of(), new float[] {1})), Map.of());
    Safetensors.write(file, one("b", new Tensor(List.of(), new float[] {2})), Map.of());
    assertEquals(List.of("b"), List.copyOf(Safetensors.read(file).tensors().keySet()));
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void write_header_isPaddedToEightBytes() throws IOException {
    Path file = directory.resolve("w.safetensors");
    for (String name : List.of("a", "ab", "abc", "abcd")) {
      Safetensors.write(file, one(name, new Tensor(List.of(), new float[] {1})), Map.of());
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      assertEquals(0, bytes.getLong() % 8);
    }
  }

  @Test
  void read_mutatedFiles_areReadOrRefusedByName() throws IOException {
    Path file = directory.resolve("m.safetensors");
    SequencedMap<String, Tensor> tensors = one("a", new Tensor(List.of(2, 2), new float[4]));
    tensors.put("b", new Tensor(List.of(3), new float[3]));
    Safetensors.write(file, tensors, Map.of("k", "v"));
    byte[] good = Files.readAllBytes(file);
    SplittableRandom random = new SplittableRandom(8);
    int refused = 0;
    for (int round = 0; round < 3000; round++) {
      byte[] bytes = mutate(good, random);
      Files.write(file, bytes);
      try {
        Safetensors.read(file);
      } catch (WeightsFileException e) {
        refused++;
        assertTrue(message(e).startsWith(file.toString()), message(e));
      }
    }
    assertTrue(refused > 1000, "refused only " + refused);
  }

  private static byte[] mutate(byte[] good, SplittableRandom random) {
    byte[] bytes = good.clone();
    int changes = 1 + random.nextInt(3);
    for (int c = 0; c < changes; c++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
        default -> bytes[at] = (byte) "0123456789{}[]\",:".charAt(random.nextInt(17));
      }
    }
    return bytes;
  }

  static List<List<String>> malformedHeaders() {
    String a = "'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}";
    return List.of(
        List.of("[]", "expected START_OBJECT"),
        List.of("{ ", "the header"),
        List.of("{" + a + "} x", "the header is no JSON"),
        List.of("{" + a + "}{}", "something follows"),
        List.of("{" + a + "," + a + "}", "Duplicate field 'a'"),
        List.of(
            "{'a':{'dtype':'F32','dtype':'F32','shape':[1],'data_offsets':[0,4]}}", "Duplicate"),
        List.of("{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'x':1}}", "a key 'x'"),
        List.of("{'a':{'shape':[1],'data_offsets':[0,4]}}", "lacks one of dtype"),
        List.of("{'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}}", "lacks one of dtype"),
        List.of("{'a':{'dtype':'F8_E4M3','shape':[4],'data_offsets':[0,4]}}", "type F8_E4M3"),
        List.of("{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}}", "-1"),
        List.of("{'a':{'dtype':'F32','shape':[1.0],'data_offsets':[0,4]}}", "VALUE_NUMBER_INT"),
        List.of("{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}}", "takes 8 bytes"),
        List.of("{'a':{'dtype':'F32','shape':[65536,65536],'data_offsets':[0,4]}}", "2 GiB"),
        List.of("{'a':{'dtype':'F32','shape':[4294967297],'data_offsets':[0,4]}}", "too large"),
        List.of(
            "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,99999999999999999999]}}", "2^63"),
        List.of("{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", "within the 4 bytes"),
        List.of("{'a':{'dtype':'F32','shape':[0],'data_offsets':[4,4]}}", "begin at 0"),
        List.of("{'a':{'dtype':'F32','shape':[0],'data_offsets':[0,0]}}", "but 4 follow"),
        List.of("{" + a + "," + a.replace("'a'", "'b'") + "}", "begin at 4"),
        List.of("{'__metadata__':{'k':1}," + a + "}", "expected VALUE_STRING"),
        List.of("{'a':{'dtype':'F32','shape':[[1]],'data_offsets':[0,4]}}", "VALUE_NUMBER_INT"));
  }

  @ParameterizedTest
  @MethodSource("malformedHeaders")
  void read_malformedHeader_saysWhatIsWrong(List<String> headerAndMessage) throws IOException {
    Path file = directory.resolve("bad.safetensors");
    Files.write(file, bytes(headerAndMessage.getFirst().replace('\'', '"'), 4));
    WeightsFileException e = assertThrows(WeightsFileException.class, () -> Safetensors.read(file));
    assertTrue(message(e).contains(headerAndMessage.getLast()), message(e));
  }

  @Test
  void read_hugeHeaderLength_isRefusedBeforeAllocating() throws IOException {
    Path file = directory.resolve("huge.safetensors");
    for (long length : new long[] {Long.MAX_VALUE, -1, 1L << 32, 17 << 20, 100, 0}) {
      ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
      Files.write(file, bytes.putLong(length).array());
      WeightsFileException e =
          assertThrows(WeightsFileException.class, () -> Safetensors.read(file));
      assertTrue(message(e).contains(Long.toUnsignedString(length)), message(e));
    }
  }

  @Test
  void read_longNames_areCutInTheMessage() throws IOException {
    Path file = directory.resolve("bad.safetensors");
    String name = "n".repeat(40_000);
    Files.write(file, bytes("{\"" + name + "\":1}", 0));
    WeightsFileException e = assertThrows(WeightsFileException.class, () -> Safetensors.read(file));
    assertTrue(message(e).length() < 2000, message(e));
  }

  private static String message(Exception e) {
    return String.valueOf(e.getMessage());
  }

  private static byte[] bytes(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private static SequencedMap<String, Tensor> one(String name, Tensor tensor) {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(name, tensor);
    return tensors;
  }
}
