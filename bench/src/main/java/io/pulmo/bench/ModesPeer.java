package io.pulmo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.pulmo.bench.ModesEvent.Mode;
import io.pulmo.bench.ModesEvent.What;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.Finding;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.serving.backend.WeightRange;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The usual tools on the same bundle: PyTorch, OpenVINO for Python and NNCF. */
final class ModesPeer implements AutoCloseable {
  private final PeerScript script;
  private final String tools;
  private final Set<Mode> modes = EnumSet.noneOf(Mode.class);

  /**
   * Starts it and lets it load the bundle and quantize, which takes a minute or two.
   *
   * @param crops a file of the images' ten crops each, float32
   * @param range the weights that NNCF makes; empty for no int8
   * @param endToEnd whether the answers start from the images' bytes
   */
  ModesPeer(
      PeerScript script,
      Bundle bundle,
      List<BenchImage> images,
      Path crops,
      Optional<WeightRange> range,
      int threads,
      boolean endToEnd)
      throws IOException {
    this.script = script;
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
    open.put("images", images.stream().map(image -> image.file().toString()).toList());
    open.put("crops", crops.toString());
    open.put("threads", threads);
    open.put("end_to_end", endToEnd);
    range.ifPresent(given -> open.put("half", given == WeightRange.HALF));
    JsonNode hello = script.ask(Map.of("open", open));
    tools = hello.path("tools").asText();
    for (JsonNode mode : hello.path("modes")) {
      modes.add(Mode.valueOf(mode.asText().toUpperCase(java.util.Locale.ROOT)));
    }
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

  /** The probabilities of each image. */
  List<float[]> answers(Mode mode) throws IOException {
    List<float[]> all = new ArrayList<>();
    for (JsonNode study : script.ask(Map.of("answers", mode.label())).path("studies")) {
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
