package io.pulmo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The peer's script in a Python process, asked for one round at a time. It ends with its input, so
 * also with this process.
 */
final class PeerProcess implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final PeerScript script;
  private final String tools;
  private final List<Integer> cpus = new ArrayList<>();

  /**
   * Starts it with the images to time.
   *
   * @param python an interpreter that has the tools
   * @throws CommandFailure if it cannot run
   */
  PeerProcess(Path python, Path script, List<BenchImage> images) throws IOException {
    this.script = new PeerScript(python, script, 1);
    JsonNode hello =
        this.script.ask(
            Map.of("images", images.stream().map(image -> image.file().toString()).toList()));
    tools = hello.path("tools").asText();
    hello.path("cpus").forEach(cpu -> cpus.add(cpu.asInt()));
  }

  /** The tools and their versions. */
  String tools() {
    return tools;
  }

  /** The numbers of the CPUs that it may run on. */
  List<Integer> cpus() {
    return cpus;
  }

  /** Times every image once; nanoseconds by image and stage. */
  List<Map<Event.Stage, Long>> round(int number) throws IOException {
    List<Map<Event.Stage, Long>> images = new ArrayList<>();
    for (JsonNode image : script.ask(Map.of("round", number)).path("images")) {
      Map<Event.Stage, Long> stages = new EnumMap<>(Event.Stage.class);
      image
          .properties()
          .forEach(
              stage ->
                  stages.put(
                      MAPPER.convertValue(stage.getKey(), Event.Stage.class),
                      stage.getValue().asLong()));
      images.add(stages);
    }
    return images;
  }

  /** Writes the tensors of all images to a file, float32 in little-endian order. */
  void tensors(Path file) throws IOException {
    script.ask(Map.of("tensors", file.toString()));
  }

  @Override
  public void close() throws IOException {
    script.close();
  }
}
