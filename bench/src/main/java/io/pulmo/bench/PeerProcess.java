package io.pulmo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.BufferedReader;
import java.io.BufferedWriter;
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

  private final Process process;
  private final BufferedReader answers;
  private final BufferedWriter requests;
  private final String tools;
  private final List<Integer> cpus = new ArrayList<>();

  /**
   * Starts it with the images to time.
   *
   * @param python an interpreter that has the tools
   * @throws CommandFailure if it cannot run
   */
  PeerProcess(Path python, Path script, List<BenchImage> images) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(python.toString(), script.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("OMP_NUM_THREADS", "1");
    process = builder.start();
    answers = process.inputReader();
    requests = process.outputWriter();
    JsonNode hello =
        ask(Map.of("images", images.stream().map(image -> image.file().toString()).toList()));
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
    for (JsonNode image : ask(Map.of("round", number)).path("images")) {
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
    ask(Map.of("tensors", file.toString()));
  }

  private JsonNode ask(Map<String, ?> request) throws IOException {
    requests.write(MAPPER.writeValueAsString(request));
    requests.write('\n');
    requests.flush();
    String answer = answers.readLine();
    if (answer == null) {
      throw CommandFailure.work("the peer's Python ended without an answer (above: its reason)");
    }
    return MAPPER.readTree(answer);
  }

  @Override
  public void close() throws IOException {
    try {
      requests.close();
    } finally {
      process.destroy();
    }
  }
}
