package io.pulmo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.pulmo.bench.ModesEvent.Mode;
import io.pulmo.bench.ModesEvent.What;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.Finding;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.BundleException;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.serving.backend.WeightRange;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The usual tools on the same bundle: PyTorch, OpenVINO for Python and NNCF. */
final class ModesPeer implements AutoCloseable {
  private final PeerScript script;
  private final String tools;
  private final Set<Mode> modes = EnumSet.noneOf(Mode.class);

  private ModesPeer(PeerScript script, Map<String, Object> open) throws IOException {
    this.script = script;
    JsonNode hello = script.ask(Map.of("open", open));
    tools = hello.path("tools").asText();
    for (JsonNode mode : hello.path("modes")) {
      modes.add(Mode.valueOf(mode.asText().toUpperCase(Locale.ROOT)));
    }
  }

  /**
   * Lets it load the bundle and quantize, which takes a minute or two, to be timed.
   *
   * @param crops a file of the images' ten crops each, float32
   * @param range the weights that NNCF makes; empty for no int8
   * @param endToEnd whether the answers start from the images' bytes
   */
  static ModesPeer timed(
      PeerScript script,
      Bundle bundle,
      List<BenchImage> images,
      Path crops,
      Optional<WeightRange> range,
      int threads,
      boolean endToEnd)
      throws IOException {
    Map<String, Object> open = opening(bundle, range, threads);
    open.put("images", paths(images.stream().map(BenchImage::file).toList()));
    open.put("crops", crops.toString());
    open.put("splits", !endToEnd);
    return new ModesPeer(script, open);
  }

  /**
   * Lets it load the bundle and quantize, to judge image files.
   *
   * @param calibration images of which NNCF takes a crop each
   */
  static ModesPeer judging(
      PeerScript script, Bundle bundle, List<Path> calibration, WeightRange range, int threads)
      throws IOException {
    Map<String, Object> open = opening(bundle, Optional.of(range), threads);
    open.put("images", List.of());
    open.put("calibration", paths(calibration));
    open.put("splits", false);
    return new ModesPeer(script, open);
  }

  private static Map<String, Object> opening(
      Bundle bundle, Optional<WeightRange> range, int threads) throws BundleException {
    DenseNetSpec network = bundle.manifest().network();
    Map<String, Object> open = new HashMap<>();
    open.put("onnx", bundle.file(Bundle.ONNX).toString());
    open.put("weights", bundle.file(Bundle.WEIGHTS).toString());
    open.put("stem", network.stemChannels());
    open.put("growth", network.growthRate());
    open.put("bottleneck", network.bottleneckFactor());
    open.put("blocks", network.blocks());
    open.put("resize", bundle.manifest().preprocessing().resizePixels());
    open.put("side", bundle.manifest().preprocessing().cropPixels());
    open.put("threads", threads);
    range.ifPresent(given -> open.put("half", given == WeightRange.HALF));
    return open;
  }

  private static List<String> paths(List<Path> files) {
    return files.stream().map(file -> file.toAbsolutePath().toString()).toList();
  }

  /** The tools and their versions. */
  String tools() {
    return tools;
  }

  /** What it computes. */
  Set<Mode> modes() {
    return modes;
  }

  /** Nanoseconds of some studies. */
  long time(Mode mode, What what, int studies) throws IOException {
    return script
        .ask(Map.of("time", mode.label(), "what", what.label(), "studies", studies))
        .path("nanos")
        .asLong();
  }

  /** The probabilities of each image that it was opened with. */
  List<float[]> answers(Mode mode) throws IOException {
    return probabilities(script.ask(Map.of("answers", mode.label())));
  }

  /** The probabilities of each of these images. */
  List<float[]> judge(Mode mode, List<Path> images) throws IOException {
    return probabilities(script.ask(Map.of("judge", mode.label(), "files", paths(images))));
  }

  private static List<float[]> probabilities(JsonNode answer) {
    List<float[]> all = new ArrayList<>();
    for (JsonNode study : answer.path("studies")) {
      float[] one = new float[study.size()];
      for (int f = 0; f < one.length; f++) {
        one[f] = (float) study.get(f).asDouble();
      }
      if (one.length != Finding.COUNT) {
        throw CommandFailure.work(
            "the peer gave " + one.length + " probabilities, expected " + Finding.COUNT);
      }
      all.add(one);
    }
    return all;
  }

  @Override
  public void close() throws IOException {
    script.close();
  }
}
