package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.bench.Event.Stage;
import io.pulmo.bench.Event.Who;
import io.pulmo.model.data.SyntheticRadiographs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreprocessBenchTest {
  private static final int ROUNDS = 3;

  private final Path directory;

  PreprocessBenchTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void run_alone_timesEveryStageOfEveryImage() throws Exception {
    List<BenchImage> images = images();

    Figures figures = run(images, Optional.empty());

    assertEquals(images.size(), figures.all().images());
    assertEquals(Set.of(Who.PULMO), figures.all().millis().keySet());
    for (Stage stage : Stage.values()) {
      assertTrue(figures.all().millis(Who.PULMO, stage) > 0, stage.toString());
    }
    assertEquals(Set.of("given"), figures.kinds().keySet());
  }

  @Test
  void run_withThePeer_timesBothAndTheirTensorsAreEqual() throws Exception {
    Path python = Peers.python();
    List<BenchImage> images = images();
    Path script = Path.of(System.getProperty("pulmo.root"), "bench/peers/preprocess.py");

    Figures figures;
    try (PeerProcess peer = new PeerProcess(python, script, images)) {
      figures = run(images, Optional.of(peer));
    }

    assertTrue(figures.all().ratio() > 0);
    // Decoding and resizing are the same to the bit; scaling to floats may round otherwise.
    assertEquals(0, figures.all().difference().orElseThrow(), 1e-6);
  }

  private Figures run(List<BenchImage> images, Optional<PeerProcess> peer) throws Exception {
    Path file = directory.resolve("events");
    List<Integer> done = new ArrayList<>();
    try (EventsFile events = EventsFile.create(file)) {
      new PreprocessBench(images, peer, events)
          .run(1, ROUNDS, Optional.empty(), directory, done::add);
    }
    assertEquals(List.of(1, 2, 3, 4), done);
    return BenchVerifier.figures(file);
  }

  private List<BenchImage> images() throws Exception {
    Path data = directory.resolve("data");
    SyntheticRadiographs.generate(
        new SyntheticRadiographs.Settings(10, 7, 300, true), data, written -> {});
    return BenchImage.given(data.resolve("images"));
  }
}
