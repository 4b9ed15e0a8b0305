package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pulmo.bench.ModesEvent.Mode;
import io.pulmo.bench.ModesEvent.What;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.network.Preset;
import io.pulmo.serving.backend.WeightRange;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The usual tools answer as Pulmo does, in every way that they are asked. */
@Timeout(300)
class ModesPeerTest {
  private static final Preprocessing SMALL = Preset.SMALL.preprocessing();

  @Test
  void peer_onASmallBundle_answersNearlyTheSameInEveryMode(@TempDir Path folder) throws Exception {
    Peers.python();
    List<BenchImage> images = BenchImage.generate(folder).subList(0, 3);
    List<Path> files = images.stream().map(BenchImage::file).toList();
    List<float[]> crops = new ArrayList<>();
    ImagePipeline pipeline = new ImagePipeline(SMALL);
    for (BenchImage image : images) {
      float[] ten = new float[Preprocessing.CROPS * SMALL.cropSize()];
      pipeline.tenCrops(pipeline.resized(image.bytes()), ten, 0);
      crops.add(ten);
    }
    Bundle bundle = RandomBundle.make(folder.resolve("bundle"), Preset.SMALL, crops, 1);
    assumeTrue(bundle.hasInt8(), "no OpenVINO to calibrate with");
    Path cropsFile = ModesCommand.write(crops, folder.resolve("crops"));
    Optional<WeightRange> half = Optional.of(WeightRange.HALF);
    List<float[]> exact;
    try (PeerScript script = PeerScript.start("modes.py", 1);
        ModesPeer peer = ModesPeer.timed(script, bundle, images, cropsFile, half, 1, false)) {
      assertTrue(peer.tools().contains("NNCF"), peer.tools());
      assertEquals(EnumSet.allOf(Mode.class), peer.modes());
      exact = peer.answers(Mode.TORCH);
      assertNear(exact, peer.answers(Mode.FP32), 1e-4f);
      assertNear(exact, peer.answers(Mode.INT8), 0.2f);
      // Pillow's crops of the files are the ones that Pulmo wrote.
      assertNear(exact, peer.judge(Mode.FP32, files), 1e-4f);
      for (What what : List.of(What.THROUGHPUT, What.LONE, What.BEST_SPLIT, What.END_TO_END)) {
        assertTrue(peer.time(Mode.INT8, what, 2) > 0, what.label());
      }
    }
    try (PeerScript script = PeerScript.start("modes.py", 1);
        ModesPeer peer = ModesPeer.judging(script, bundle, files, WeightRange.HALF, 1)) {
      assertNear(exact, peer.judge(Mode.INT8, files), 0.2f);
      // A script that fails ends, and whoever asked is told.
      assertThrows(
          CommandFailure.class,
          () -> peer.judge(Mode.FP32, List.of(folder.resolve("missing.png"))));
    }
  }

  private static void assertNear(List<float[]> expected, List<float[]> got, float most) {
    assertEquals(expected.size(), got.size());
    for (int i = 0; i < got.size(); i++) {
      assertArrayEquals(expected.get(i), got.get(i), most);
    }
  }
}
