package io.pulmo.worker.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Safetensors;
import io.pulmo.model.weights.Weights;
import io.pulmo.worker.train.Optimizer;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  private static final DenseNetSpec NETWORK = Preset.SMALL.network();

  private final Path folder;

  CheckpointTest(@TempDir Path temporary) {
    folder = temporary.resolve("checkpoints");
  }

  private CheckpointFolder checkpoints() {
    return new CheckpointFolder(folder, Preset.SMALL, "job-1", 3, 2);
  }

  private static TrainingState state(int steps) {
    Weights weights = Initialization.random(NETWORK, 1);
    Optimizer optimizer = Optimizer.create(JobSpec.Optimizer.Kind.ADAM, NETWORK.learnedSize());
    TrainingState state =
        new TrainingState(
            weights.learned(),
            weights.statistics(),
            optimizer,
            0.01,
            Ledger.start(new Sampler(100, 10, 1)));
    float[] gradient = new float[NETWORK.learnedSize()];
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] = i % 7 - 3;
    }
    for (int s = 0; s < steps; s++) {
      state.apply(gradient, new float[NETWORK.statisticsSize()], 0.1f);
    }
    return state;
  }

  @Test
  void readWeights_ofAFileAndOfItsFolder_areTheStates() throws IOException {
    TrainingState state = state(12);
    Path file = checkpoints().write(state);
    assertEquals("step-00000012.safetensors", file.getFileName().toString());
    for (Path from : List.of(file, folder, folder.getParent())) {
      Checkpoint read = Checkpoint.readWeights(from);
      assertEquals(Preset.SMALL, read.preset());
      assertArrayEquals(state.learned(), read.weights().learned());
      assertArrayEquals(state.statistics(), read.weights().statistics());
      assertEquals("12", read.metadata().get("step"));
      assertEquals("job-1", read.metadata().get("job"));
      assertEquals("3", read.metadata().get("view"));
    }
  }

  @Test
  void write_holdsTheOptimizersMemoryByParameter() throws IOException {
    TrainingState state = state(2);
    Safetensors.Contents contents = Safetensors.read(checkpoints().write(state));
    float[] moments = Objects.requireNonNull(state.optimizer().memory().get("first_moment"));
    float[] first =
        Objects.requireNonNull(
                contents.tensors().get("optimizer.first_moment.features.conv0.weight"))
            .values();
    for (int i = 0; i < first.length; i++) {
      assertEquals(moments[i], first[i]);
    }
    assertEquals(
        NETWORK.parameters().size() * 2 + NETWORK.learned().size() * 2, contents.tensors().size());
    assertEquals("2", contents.metadata().get("optimizer_steps"));
  }

  @Test
  void write_moreThanAreKept_removesTheOldestWithTheirSidecars() throws IOException {
    for (int steps : List.of(1, 2, 3)) {
      checkpoints().write(state(steps));
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(
          List.of(
              "step-00000002.safetensors",
              "step-00000002.safetensors.sha256",
              "step-00000003.safetensors",
              "step-00000003.safetensors.sha256"),
          files.map(f -> f.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void write_interrupted_leavesTheOldOne() throws IOException {
    Path old = checkpoints().write(state(1));
    String digest = Sha256.of(old);
    Thread.currentThread().interrupt();
    // An interrupted thread cannot write to a channel: the write breaks off half way.
    assertThrows(IOException.class, () -> checkpoints().write(state(2)));
    assertTrue(Thread.interrupted());
    assertEquals(digest, Sha256.of(Checkpoint.readWeights(folder).file()));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(2, files.count());
    }
  }

  @Test
  void readWeights_altered_isRefused() throws IOException {
    Path file = checkpoints().write(state(1));
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    assertRefused(file, "was altered");
  }

  @Test
  void readWeights_noCheckpoint_saysWhatWasExpected() throws IOException {
    Files.createDirectories(folder);
    assertRefused(folder, "expected step-NNNNNNNN.safetensors");
    Path text = Files.writeString(folder.resolve("weights.pth"), "no weights at all\n");
    assertRefused(text, "neither safetensors nor a PyTorch state dict");
    assertRefused(folder.resolve("none"), "is missing");
  }

  @Test
  void readWeights_ofAnotherTool_tellsThePresetByTheShapes() throws IOException {
    Files.createDirectories(folder);
    Path plain = folder.resolve("weights.bin");
    Weights weights = Initialization.random(NETWORK, 1);
    Safetensors.write(plain, weights.tensors(), Map.of("format", "pt"));
    Checkpoint read = Checkpoint.readWeights(plain);
    assertEquals(Preset.SMALL, read.preset());
    assertArrayEquals(weights.learned(), read.weights().learned());
    assertEquals(Map.of(), read.metadata());
  }

  @Test
  void readWeights_presetThatIsNotItsArrays_isRefused() throws IOException {
    Files.createDirectories(folder);
    Path file = folder.resolve("step-00000001.safetensors");
    Safetensors.write(
        file,
        Initialization.random(NETWORK, 1).tensors(),
        Map.of("format", "pulmo-checkpoint-1", "preset", "chexnet"));
    assertRefused(file, "say preset 'chexnet', but its arrays are those of small");
  }

  private static void assertRefused(Path file, String expected) {
    IOException thrown = assertThrows(IOException.class, () -> Checkpoint.readWeights(file));
    assertTrue(String.valueOf(thrown.getMessage()).contains(expected), thrown::toString);
  }
}
