package io.pulmo.model.weights;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.weights.TestPth.Layout;
import io.pulmo.model.weights.TestPth.Spelling;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SplittableRandom;

/**
 * Reads mutated weight files of every kind: each must become weights or a WeightsFileException,
 * soon. It is a main class, so that a heap of its own bounds it.
 *
 * <p>Half of the mutations fall on the pickle or header alone, with the zip's checksums mended, so
 * that they get past the outer checks.
 */
final class WeightsFuzz {
  private static final DenseNetSpec TINY = new DenseNetSpec(4, 4, 2, List.of(2, 2));
  private static final long MOST_MILLIS = 2_000;
  private static final byte[] TOKENS =
      "()}]}.0123456789{}[]\",:cRQbtusqrhjXKMJNUTo".getBytes(StandardCharsets.UTF_8);

  /** A valid file: the part that says where things are, and how the file is made of it. */
  private record Seed(byte[] head, Maker maker) {
    byte[] file() {
      return maker.file(head);
    }
  }

  @FunctionalInterface
  private interface Maker {
    byte[] file(byte[] head);
  }

  private WeightsFuzz() {}

  /** Arguments: seed, count, folder for the files. */
  public static void main(String[] args) throws IOException {
    long seed = Long.parseLong(args[0]);
    int count = Integer.parseInt(args[1]);
    Path folder = Path.of(args[2]);
    List<Seed> seeds = seeds(folder);
    for (Seed one : seeds) {
      Path file = Files.write(folder.resolve("valid"), one.file());
      var unused = WeightsFile.read(file, TINY);
    }
    Path file = folder.resolve("mutated");
    for (byte[] extreme : WeightsExtremes.all()) {
      Files.write(file, extreme);
      long begin = System.nanoTime();
      try {
        throw new AssertionError("an extreme file was read: " + WeightsFile.read(file, TINY));
      } catch (WeightsFileException refused) {
        long millis = (System.nanoTime() - begin) / 1_000_000;
        System.out.println(extreme.length + " bytes in " + millis + " ms: " + refused.getMessage());
        if (millis > MOST_MILLIS) {
          throw new AssertionError("took too long", refused);
        }
      }
    }
    SplittableRandom random = new SplittableRandom(seed);
    int answers = 0;
    int refusals = 0;
    int headRefusals = 0;
    long slowestNanos = 0;
    for (int round = 0; round < count; round++) {
      Seed valid = seeds.get(round % seeds.size());
      boolean headAlone = random.nextBoolean();
      byte[] bytes =
          headAlone ? valid.maker.file(mutate(valid.head, random)) : mutate(valid.file(), random);
      Files.write(file, bytes);
      long begin = System.nanoTime();
      try {
        Weights weights = WeightsFile.read(file, TINY);
        answers += weights.tensors().isEmpty() ? 0 : 1;
      } catch (WeightsFileException refused) {
        refusals++;
        headRefusals += headAlone ? 1 : 0;
      } catch (IOException | RuntimeException | Error wrong) {
        Path kept = Files.write(folder.resolve("failure-" + seed + "-" + round), bytes);
        throw new AssertionError("seed " + seed + ", round " + round + ", kept as " + kept, wrong);
      }
      long nanos = System.nanoTime() - begin;
      slowestNanos = Math.max(slowestNanos, nanos);
      if (nanos > MOST_MILLIS * 1_000_000) {
        throw new AssertionError(
            "seed " + seed + ", round " + round + " took " + nanos / 1_000_000 + " ms");
      }
    }
    System.out.printf(
        "seed %d: %d files of %d kinds, %d read, %d refused (%d by head or pickle), slowest %d ms, heap at most %d MiB%n",
        seed,
        count,
        seeds.size(),
        answers,
        refusals,
        headRefusals,
        slowestNanos / 1_000_000,
        Runtime.getRuntime().maxMemory() >> 20);
  }

  private static List<Seed> seeds(Path folder) throws IOException {
    SequencedMap<String, Tensor> tensors = Initialization.random(TINY, 4).tensors();
    List<Seed> seeds = new ArrayList<>();
    for (Spelling spelling :
        List.of(
            Spelling.PLAIN,
            Spelling.PLAIN.of(ElementType.HALF).lying(Layout.TRANSPOSED),
            Spelling.PLAIN.lying(Layout.SHARED).under("state_dict"),
            Spelling.PLAIN.named(name -> "module.densenet121." + name).byPython2())) {
      TestPth.Parts zip = TestPth.parts(tensors, spelling);
      SequencedMap<String, byte[]> entries = TestPth.entries(zip);
      seeds.add(
          new Seed(
              zip.pickle(),
              pickle -> {
                Map<String, byte[]> changed = new LinkedHashMap<>(entries);
                changed.put("archive/data.pkl", pickle);
                return TestPth.zip(changed);
              }));
      TestPth.Parts legacy = TestPth.parts(tensors, spelling.legacy());
      seeds.add(
          new Seed(
              legacy.pickle(),
              pickle ->
                  TestPth.legacy(new TestPth.Parts(pickle, legacy.storages(), legacy.type()))));
    }
    Path file = folder.resolve("valid.safetensors");
    Safetensors.write(file, tensors, Map.of("made", "for a test"));
    byte[] all = Files.readAllBytes(file);
    int header = (int) ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    byte[] data = Arrays.copyOfRange(all, Long.BYTES + header, all.length);
    Seed safetensors =
        new Seed(
            Arrays.copyOfRange(all, Long.BYTES, Long.BYTES + header),
            json -> {
              ByteArrayOutputStream out = new ByteArrayOutputStream();
              out.writeBytes(length(json.length));
              out.writeBytes(json);
              out.writeBytes(data);
              return out.toByteArray();
            });
    seeds.add(safetensors);
    seeds.add(safetensors);
    return seeds;
  }

  private static byte[] length(int bytes) {
    byte[] length = new byte[Long.BYTES];
    ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes);
    return length;
  }

  private static byte[] mutate(byte[] valid, SplittableRandom random) {
    byte[] bytes = valid.clone();
    int changes = 1 + random.nextInt(1 + random.nextInt(4));
    for (int c = 0; c < changes && bytes.length > 8; c++) {
      // Where things are told is mostly at the beginning and at the end.
      int near = Math.min(bytes.length, 20_000);
      int at =
          switch (random.nextInt(3)) {
            case 0 -> random.nextInt(bytes.length);
            case 1 -> random.nextInt(near);
            default -> bytes.length - 1 - random.nextInt(near);
          };
      switch (random.nextInt(9)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes[at] = TOKENS[random.nextInt(TOKENS.length)];
        case 3 -> bytes[at] = (byte) Opcode.values()[random.nextInt(Opcode.values().length)].code();
        case 4 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
        case 5 -> fill(bytes, at, 1 + random.nextInt(8), (byte) -random.nextInt(2));
        case 6 -> bytes = spliced(bytes, at, 0, repeated(bytes, at, random));
        case 7 -> bytes = spliced(bytes, at, random.nextInt(64), new byte[0]);
        default -> {
          int from = random.nextInt(bytes.length);
          int length = Math.min(random.nextInt(64), bytes.length - Math.max(from, at));
          System.arraycopy(valid.length == bytes.length ? valid : bytes, from, bytes, at, length);
        }
      }
    }
    return bytes;
  }

  private static void fill(byte[] bytes, int at, int length, byte value) {
    Arrays.fill(bytes, at, Math.min(bytes.length, at + length), value);
  }

  private static byte[] repeated(byte[] bytes, int at, SplittableRandom random) {
    int length = Math.min(1 + random.nextInt(16), bytes.length - at);
    byte[] part = Arrays.copyOfRange(bytes, at, at + length);
    byte[] many = new byte[length * (1 << random.nextInt(14))];
    for (int i = 0; i < many.length; i++) {
      many[i] = part[i % length];
    }
    return many;
  }

  private static byte[] spliced(byte[] bytes, int at, int without, byte[] with) {
    int rest = Math.min(bytes.length, at + without);
    byte[] all = Arrays.copyOf(bytes, at + with.length + bytes.length - rest);
    System.arraycopy(with, 0, all, at, with.length);
    System.arraycopy(bytes, rest, all, at + with.length, bytes.length - rest);
    return all;
  }
}
