package io.pulmo.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DenseNetTest {
  private static final int SIDE = Fixtures.SIDE;

  private final SplittableRandom random = new SplittableRandom(2);
  private final Weights weights = Initialization.random(Fixtures.TINY, 5);
  private final float[] crops = Fixtures.crops(random, 6);

  @TempDir Path directory = Path.of("");

  @Test
  void logits_weightsThroughAFile_areTheSame() throws IOException {
    Path file = directory.resolve("w.safetensors");
    try (DenseNet net = DenseNet.create(Fixtures.TINY, 1)) {
      net.load(weights);
      float[] before = net.logits(crops, 6, SIDE);
      WeightsFile.write(file, weights);
      net.load(Initialization.random(Fixtures.TINY, 6));
      assertFalse(Arrays.equals(before, net.logits(crops, 6, SIDE)));
      net.load(WeightsFile.read(file, Fixtures.TINY));
      assertArrayEquals(before, net.logits(crops, 6, SIDE));
    }
  }

  @Test
  void load_buffers_isTheSameAsArrays() {
    try (DenseNet net = DenseNet.create(Fixtures.TINY, 1)) {
      net.load(weights);
      float[] before = net.logits(crops, 1, SIDE);
      FloatBuffer learned = FloatBuffer.allocate(Fixtures.TINY.learnedSize() + 2);
      learned.put(1, weights.learned());
      net.load(new float[Fixtures.TINY.learnedSize()], weights.statistics());
      assertArrayEquals(new float[Finding.COUNT], net.logits(crops, 1, SIDE));
      learned.position(1).limit(learned.capacity() - 1);
      net.load(learned, FloatBuffer.wrap(weights.statistics()));
      assertArrayEquals(before, net.logits(crops, 1, SIDE));
      assertEquals(1, learned.position());
    }
  }

  @Test
  void logits_ofOneCrop_doNotDependOnItsNeighbours() {
    try (DenseNet net = DenseNet.create(Fixtures.TINY, 2)) {
      net.load(weights);
      float[] together = net.logits(crops, 6, SIDE);
      float[] second = Arrays.copyOfRange(crops, 3 * SIDE * SIDE, 2 * 3 * SIDE * SIDE);
      assertArrayEquals(
          Arrays.copyOfRange(together, Finding.COUNT, 2 * Finding.COUNT),
          net.logits(second, 1, SIDE),
          1e-5f);
    }
  }

  @Test
  void studyProbabilities_areTheMeanOfTheCropsSigmoids() {
    try (DenseNet net = DenseNet.create(Fixtures.TINY, 1)) {
      net.load(weights);
      float[] logits = net.logits(crops, 6, SIDE);
      float[] each = net.probabilities(crops, 6, SIDE);
      float[] studies = net.studyProbabilities(crops, 2, 3, SIDE);
      assertEquals(2 * Finding.COUNT, studies.length);
      for (int i = 0; i < each.length; i++) {
        assertEquals(1 / (1 + Math.exp(-logits[i])), each[i], 1e-6);
      }
      for (int i = 0; i < studies.length; i++) {
        int first = i / Finding.COUNT * 3 * Finding.COUNT + i % Finding.COUNT;
        float mean = (each[first] + each[first + 14] + each[first + 28]) / 3;
        assertEquals(mean, studies[i], 1e-6);
      }
    }
  }

  @Test
  void calls_fromSeveralThreads_giveTheSameResults() throws Exception {
    try (DenseNet net = DenseNet.create(Fixtures.TINY, 1);
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      net.load(weights);
      float[] alone = net.logits(crops, 6, SIDE);
      float[] gradientAlone = gradient(net);
      List<Future<float[]>> logits =
          IntStream.range(0, 20)
              .mapToObj(i -> threads.submit(() -> net.logits(crops, 6, SIDE)))
              .toList();
      List<Future<float[]>> gradients =
          IntStream.range(0, 20).mapToObj(i -> threads.submit(() -> gradient(net))).toList();
      assertAllEqual(alone, logits);
      assertAllEqual(gradientAlone, gradients);
    }
  }

  private static void assertAllEqual(float[] expected, List<Future<float[]>> results)
      throws InterruptedException, ExecutionException {
    for (Future<float[]> result : results) {
      assertArrayEquals(expected, result.get());
    }
  }

  private float[] gradient(DenseNet net) {
    float[] gradient = new float[Fixtures.TINY.learnedSize()];
    float[] statistics = new float[Fixtures.TINY.statisticsSize()];
    float[] labels = Fixtures.labels(new SplittableRandom(1), 6);
    net.backward(crops, 6, 1, SIDE, labels, new SoftmaxCrossEntropy(), gradient, statistics);
    return gradient;
  }

  @Test
  void calls_manyTimes_memoryStaysTheSame() throws IOException {
    Path status = Path.of("/proc/self/status");
    Assumptions.assumeTrue(Files.exists(status), "resident memory is read from " + status);
    try (DenseNet net = DenseNet.create(Fixtures.TINY, 1)) {
      Step step = new Step(64);
      step.run(net, 100);
      long before = residentKibibytes(status);
      step.run(net, 200);
      long grown = residentKibibytes(status) - before;
      // Leaking the input of each pass alone would be 150 MiB or more; the Java heap may grow.
      assertTrue(grown < 100 * 1024, "grown by " + grown + " KiB in 200 steps");
    }
  }

  /** Steps that make no garbage of their own. */
  private static final class Step {
    private final int count;
    private final float[] crops;
    private final float[] labels;
    private final Loss loss = new SoftmaxCrossEntropy();
    private final float[] learned = new float[Fixtures.TINY.learnedSize()];
    private final float[] statistics = new float[Fixtures.TINY.statisticsSize()];

    Step(int count) {
      this.count = count;
      crops = Fixtures.crops(new SplittableRandom(1), count);
      labels = Fixtures.labels(new SplittableRandom(1), count);
    }

    void run(DenseNet net, int steps) {
      for (int i = 0; i < steps; i++) {
        net.backward(crops, count, 1, SIDE, labels, loss, learned, statistics);
        net.load(learned, statistics);
        net.logits(crops, count, SIDE);
      }
    }
  }

  private static long residentKibibytes(Path status) throws IOException {
    String line =
        Files.readAllLines(status).stream()
            .filter(l -> l.startsWith("VmRSS:"))
            .findFirst()
            .orElseThrow();
    return Long.parseLong(line.replaceAll("[^0-9]", ""));
  }

  @Test
  void calls_wrongSizes_sayWhatIsExpected() {
    try (DenseNet net = DenseNet.create(Fixtures.TINY, 1)) {
      net.load(weights);
      assertMessage("expected 21504", () -> net.logits(crops, 7, SIDE));
      assertMessage("at least 1 of each", () -> net.logits(crops, 0, SIDE));
      assertMessage("shrink to nothing", () -> net.logits(crops, 1, 4));
      assertMessage(
          "given vectors of 1 weights", () -> net.load(new float[1], weights.statistics()));
      assertMessage("threads is 0", () -> net.setThreads(0));
      assertMessage(
          "weights are of", () -> net.load(Initialization.random(Preset.SMALL.network(), 1)));
    }
  }

  @Test
  void backward_oneValueAChannel_isRefused() {
    try (DenseNet net = DenseNet.create(Fixtures.TINY, 1)) {
      float[] gradient = new float[Fixtures.TINY.learnedSize()];
      float[] statistics = new float[Fixtures.TINY.statisticsSize()];
      assertMessage(
          "give more or larger crops",
          () ->
              net.backward(
                  crops, 1, 1, 8, new float[14], new SoftmaxCrossEntropy(), gradient, statistics));
    }
  }

  private static void assertMessage(String part, Runnable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(String.valueOf(e.getMessage()).contains(part), e::getMessage);
  }

  @Test
  void calls_afterClose_areRefused() {
    DenseNet net = DenseNet.create(Fixtures.TINY, 1);
    net.close();
    net.close();
    assertThrows(IllegalStateException.class, () -> net.logits(crops, 1, SIDE));
    assertThrows(IllegalStateException.class, () -> net.load(weights));
  }
}
