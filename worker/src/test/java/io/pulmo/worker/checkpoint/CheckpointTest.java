package io.pulmo.worker.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import io.pulmo.model.view.Label;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Safetensors;
import io.pulmo.model.weights.Weights;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  private static final DenseNetSpec NETWORK = Preset.SMALL.network();

  private final Path folder;

  CheckpointTest(@TempDir Path temporary) {
    folder = temporary.resolve("checkpoints");
  }

  private CheckpointFolder checkpoints() throws IOException {
    return new CheckpointFolder(folder, Preset.SMALL, "job-1", 2);
  }

  private Path write(TrainingState state) throws IOException {
    Snapshot snapshot = new Snapshot(state, Arena.ofAuto());
    snapshot.take(new Label(3, state.step()), state);
    return checkpoints().write(snapshot).path();
  }

  @Test
  void readWeights_ofAFileAndOfItsFolder_areTheStates() throws IOException {
    TrainingState state = States.small(12);
    Path file = write(state);
    assertEquals(
        "step-00000012-view-3-" + Sha256.of(file) + ".safetensors", file.getFileName().toString());
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
    TrainingState state = States.small(2);
    Safetensors.Contents contents = Safetensors.read(write(state));
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
  void readWeights_newestIsAltered_takesTheOneBefore() throws IOException {
    Path good = write(States.small(1));
    Path bad = write(States.small(2));
    flip(bad, Files.size(bad) - 1);
    assertEquals(good, Checkpoint.readWeights(folder).file());
    assertRefused(bad, "was altered");
    flip(good, 100);
    assertRefused(folder, "was altered");
  }

  private static void flip(Path file, long at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) at] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void readWeights_noCheckpoint_saysWhatWasExpected() throws IOException {
    Files.createDirectories(folder);
    assertRefused(folder, "expected step-NNNNNNNN-view-N-SHA256.safetensors");
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
