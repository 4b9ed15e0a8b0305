package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainVerifierTest {
  private static final double CLOSE = 1e-9;
  private static final String BEGIN =
      """
      {"event":"begin","format":"pulmo bench train 1","seed":1,"preset":"chexnet","workers":1,\
      "coordinators":1,"zookeepers":1,"patienceMillis":60000,"cores":2,"java":"25"}""";
  private static final String ROUNDS =
      "{\"event\":\"rounds\",\"rounds\":1,\"warmUps\":1,\"steps\":2,\"peer\":\"tools\"}";
  private static final String JOB =
      "{\"event\":\"job\",\"t\":0,\"job\":\"j\",\"samples\":64,\"batch\":16,\"epochs\":1}";
  private static final String PEER =
      """
      {"event":"peer_step","round":1,"nanos":4000000000,"forwardBackward":3600000000,\
      "apply":300000000,"data":100000000}""";

  private final Path directory;

  TrainVerifierTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private static String step(int number, long millis, int compute) {
    return """
        {"event":"said","t":%d,"name":"worker-1","pid":1,"said":{"kind":"step","member":"m",\
        "job":"j","view":1,"step":%d,"ms":{"compute":%d,"data":10,"ring":20,"apply":100}}}"""
        .formatted(millis * 1000, number, compute);
  }

  private static List<String> good() {
    return new ArrayList<>(
        List.of(
            BEGIN,
            ROUNDS,
            JOB,
            step(1, 9_000, 8000),
            step(2, 11_000, 1800),
            step(3, 13_000, 1840),
            PEER,
            PEER));
  }

  private TrainFigures figures(List<String> lines) throws IOException {
    return TrainVerifier.figures(
        Files.writeString(directory.resolve("events"), String.join("\n", lines) + "\n"));
  }

  @Test
  void figures_ofARound_leaveOutTheWarmUp_andDivideTheStep() throws Exception {
    Map<String, Object> json = figures(good()).json();
    assertEquals(8.0, json.get("images_per_s"));
    assertEquals(
        Map.of(
            "forward_backward",
            1820.0,
            "allreduce",
            20.0,
            "apply",
            100.0,
            "data",
            10.0,
            "wait",
            50.0),
        json.get("step_ms"));
    assertEquals(9.0, figures(good()).besidesPercent(), CLOSE);
    assertEquals(2.0, json.get("rate_to_peer"));
    assertTrue(figures(good()).text().contains("times the peer's rate: 2.000"));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 7})
  void figures_withALineLeftOut_areRefused(int line) throws Exception {
    List<String> lines = good();
    var unused = lines.remove(line);
    assertThrows(CommandFailure.class, () -> figures(lines));
  }
}
