package io.pulmo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * A peer's script in a Python process: a line of JSON for each line of JSON. It ends with its
 * input, so also with this process.
 */
final class PeerScript implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** What the launcher sets for Pulmo's own training: a peer runs as its users start it. */
  private static final Set<String> OUR_ALLOCATOR =
      Set.of(
          "MALLOC_TRIM_THRESHOLD_",
          "MALLOC_MMAP_THRESHOLD_",
          "MALLOC_ARENA_MAX",
          "THP_MEM_ALLOC_ENABLE");

  private final Process process;
  private final BufferedReader answers;
  private final BufferedWriter requests;

  /**
   * Starts it.
   *
   * @param python an interpreter that has the tools
   * @param threads how many its numerical libraries may use
   */
  PeerScript(Path python, Path script, int threads) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(python.toString(), script.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().keySet().removeAll(OUR_ALLOCATOR);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    process = builder.start();
    answers = process.inputReader();
    requests = process.outputWriter();
  }

  /**
   * Starts one of this folder's scripts with the interpreter that the launcher names.
   *
   * @throws CommandFailure if it names none
   */
  static PeerScript start(String script, int threads) throws IOException {
    String python = System.getProperty("pulmo.peers");
    String root = System.getProperty("pulmo.root");
    if (python == null || root == null) {
      throw CommandFailure.environment(
          "the Python tools to compare with are not known; start it by ./pulmo bench ... --peers");
    }
    return new PeerScript(Path.of(python), Path.of(root, "bench/peers", script), threads);
  }

  /**
   * Its answer to a request.
   *
   * @throws CommandFailure if it ended
   */
  JsonNode ask(Map<String, ?> request) throws IOException {
    try {
      requests.write(MAPPER.writeValueAsString(request));
      requests.write('\n');
      requests.flush();
    } catch (IOException ended) {
      throw gone();
    }
    String answer = answers.readLine();
    if (answer == null) {
      throw gone();
    }
    return MAPPER.readTree(answer);
  }

  private static CommandFailure gone() {
    return CommandFailure.work("the peer's Python ended without an answer (above: its reason)");
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
