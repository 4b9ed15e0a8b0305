package io.pulmo.serving.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.SelfTest;
import io.pulmo.model.network.Preset;
import io.pulmo.serving.TestModels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class OpenVinoBackendTest {
  private static final int THREADS = 2;
  private static final int CROP_PIXELS = Preset.SMALL.preprocessing().cropPixels();

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  static Path folder;

  @SuppressWarnings("NullAway.Init") // set before all
  private static Bundle bundle;

  @BeforeAll
  static void make() throws Exception {
    TestModels.assumeOpenVino();
    bundle = TestModels.bundle(folder.resolve("b"), Preset.SMALL, 3);
  }

  private static OpenVinoBackend open(ExecutionPlan plan, Optional<Path> compiled)
      throws Exception {
    return OpenVinoBackend.open(
        bundle.file(Bundle.ONNX), Optional.empty(), CROP_PIXELS, plan, THREADS, compiled);
  }

  private static float[] crops(long seed) {
    return SelfTest.input(seed, Preset.SMALL.preprocessing());
  }

  /** Whatever the cut and however few requests there are, every crop is judged once. */
  @ParameterizedTest
  @CsvSource({
    "10, 1, 1",
    "10, 2, 4",
    "5, 2, 2",
    "5, 2, 3",
    "2, 2, 4",
    "1, 1, 1",
    "1, 2, 4",
    "1, 2, 64"
  })
  void judge_manyStudiesAtOnce_eachHasItsOwnAnswer(int cut, int streams, int requests)
      throws Exception {
    int studies = 12;
    List<float[]> expected = new ArrayList<>();
    try (OpenVinoBackend whole = open(new ExecutionPlan(10, 1, 1, false), Optional.empty())) {
      for (int i = 0; i < studies; i++) {
        expected.add(whole.judge(crops(i)));
      }
    }
    try (OpenVinoBackend backend =
            open(new ExecutionPlan(cut, streams, requests, false), Optional.empty());
        ExecutorService pool = Executors.newFixedThreadPool(6)) {
      List<Future<float[]>> answers = new ArrayList<>();
      for (int i = 0; i < studies; i++) {
        float[] crops = crops(i);
        answers.add(pool.submit(() -> backend.judge(crops)));
      }
      for (int i = 0; i < studies; i++) {
        assertArrayEquals(expected.get(i), answers.get(i).get(), 1e-5f);
      }
      assertEquals(Integer.toString(streams), backend.property("NUM_STREAMS"));
      assertEquals("f32", backend.property("INFERENCE_PRECISION_HINT"));
      assertEquals(Integer.toString(THREADS), backend.property("INFERENCE_NUM_THREADS"));
    }
  }

  @RepeatedTest(20)
  void close_whileStudiesRun_waitsForThemAndRefusesTheRest() throws Exception {
    OpenVinoBackend backend = open(ExecutionPlan.of(2, 1), Optional.empty());
    float[] crops = crops(1);
    float[] expected = backend.judge(crops);
    CountDownLatch judged = new CountDownLatch(3);
    try (ExecutorService pool = Executors.newFixedThreadPool(3)) {
      List<Future<Integer>> callers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        callers.add(
            pool.submit(
                () -> {
                  for (int done = 0; ; done++) {
                    try {
                      assertArrayEquals(expected, backend.judge(crops), 1e-5f);
                    } catch (IllegalStateException closed) {
                      assertTrue(String.valueOf(closed.getMessage()).contains("closed"));
                      return done;
                    }
                    judged.countDown();
                  }
                }));
      }
      judged.await();
      backend.close();
      for (Future<Integer> caller : callers) {
        assertTrue(caller.get() >= 0);
      }
    }
    assertThrows(IllegalStateException.class, () -> backend.judge(crops));
  }

  @Test
  void judge_tooFewCrops_isRefusedAndTheBackendGoesOn() throws Exception {
    try (OpenVinoBackend backend = open(ExecutionPlan.of(2, 5), Optional.empty())) {
      float[] crops = crops(1);
      float[] expected = backend.judge(crops);
      for (int i = 0; i < 20; i++) {
        // The first half is handed in before the second is missed.
        assertThrows(
            IndexOutOfBoundsException.class, () -> backend.judge(new float[crops.length / 2 + 1]));
      }
      assertArrayEquals(expected, backend.judge(crops), 1e-5f);
    }
  }

  @Test
  void open_again_findsWhatWasCompiled() throws Exception {
    Path kept = Files.createDirectories(folder.resolve("kept"));
    float[] first;
    try (OpenVinoBackend backend = open(ExecutionPlan.untuned(THREADS), Optional.of(kept))) {
      first = backend.judge(crops(4));
    }
    List<Path> blobs = list(kept);
    assertEquals(1, blobs.size());
    try (OpenVinoBackend backend = open(ExecutionPlan.untuned(THREADS), Optional.of(kept))) {
      assertArrayEquals(first, backend.judge(crops(4)), 1e-6f);
      assertEquals("2", backend.property("NUM_STREAMS"));
    }
    assertEquals(blobs, list(kept));
  }

  private static List<Path> list(Path folder) throws Exception {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }
}
