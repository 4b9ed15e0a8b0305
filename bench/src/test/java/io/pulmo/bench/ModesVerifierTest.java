package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.bench.ModesEvent.Mode;
import io.pulmo.bench.ModesEvent.What;
import io.pulmo.bench.ModesEvent.Who;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.serving.backend.ExecutionPlan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModesVerifierTest {
  private final Path file;

  ModesVerifierTest(@TempDir Path directory) {
    file = directory.resolve("events");
  }

  private static ModesEvent.Begin begin(boolean endToEnd, @Nullable String peer) {
    return new ModesEvent.Begin(
        ModesEvent.FORMAT,
        endToEnd,
        3,
        "a processor",
        List.of("avx2"),
        2,
        "chest 1",
        Map.of(Mode.INT8, new ExecutionPlan(5, 2, 4, false)),
        "half-range",
        "25",
        peer);
  }

  private void write(List<ModesEvent> events) throws Exception {
    try (EventsFile out = EventsFile.create(file)) {
      for (ModesEvent event : events) {
        out.add(event);
      }
    }
  }

  private static ModesEvent time(Who who, Mode mode, What what, int round, double seconds) {
    return new ModesEvent.Time(who, mode, what, round, 4, (long) (4 * seconds * 1e9));
  }

  @Test
  void figures_withAPeer_areMediansAndTheRoundsOwnRatios() throws Exception {
    write(
        List.of(
            begin(false, "tools"),
            new ModesEvent.LeftOut(Who.PULMO, Mode.TORCH, "not here"),
            new ModesEvent.Difference(Who.PEER, Mode.INT8, Who.PULMO, Mode.INT8, 0.25),
            time(Who.PULMO, Mode.INT8, What.THROUGHPUT, 1, 1),
            time(Who.PULMO, Mode.INT8, What.THROUGHPUT, 2, 5),
            time(Who.PULMO, Mode.INT8, What.THROUGHPUT, 3, 2),
            time(Who.PEER, Mode.INT8, What.THROUGHPUT, 1, 2),
            time(Who.PEER, Mode.INT8, What.THROUGHPUT, 2, 15),
            time(Who.PEER, Mode.INT8, What.THROUGHPUT, 3, 2)));

    ModesFigures figures = ModesVerifier.figures(file);

    assertEquals(2, figures.seconds(Who.PULMO, Mode.INT8, What.THROUGHPUT).getAsDouble(), 1e-9);
    Map<String, Object> json = figures.json();
    assertEquals(2.0, number(json, "int8_s_per_study"), 1e-9);
    assertEquals(List.of("avx2"), json.get("cpu_flags"));
    assertEquals("half-range", json.get("weights"));
    assertEquals(2.0, number(json, "peer", "int8_s_per_study"), 1e-9);
    // The rounds' ratios are 2, 3 and 1: their median is not that of the medians, 2 / 2.
    assertEquals(2.0, number(json, "rate_to_peer", "int8"), 1e-9);
    assertEquals(0.25, number(json, "mean_abs_dp", "peer_int8_to_pulmo_int8"));
    assertEquals(Map.of("pulmo_torch", "not here"), json.get("left_out"));
    assertTrue(
        figures.text().contains("requests of 5 crops, 4 in flight on 2 streams, half-range"));
  }

  private static double number(Map<String, Object> json, String... path) {
    Object at = json;
    for (String key : path) {
      at = at instanceof Map<?, ?> map ? map.get(key) : null;
    }
    if (at instanceof Double number) {
      return number;
    }
    throw new AssertionError(List.of(path) + " is " + at + " in " + json);
  }

  @Test
  void figures_endToEnd_compareWithThePeersTorchToo() throws Exception {
    write(
        List.of(
            begin(true, "tools"),
            time(Who.PULMO, Mode.FP32, What.END_TO_END, 1, 1),
            time(Who.PULMO, Mode.FP32, What.END_TO_END, 2, 1),
            time(Who.PULMO, Mode.FP32, What.END_TO_END, 3, 1),
            time(Who.PEER, Mode.TORCH, What.END_TO_END, 1, 3),
            time(Who.PEER, Mode.TORCH, What.END_TO_END, 2, 4),
            time(Who.PEER, Mode.TORCH, What.END_TO_END, 3, 5)));
    ModesFigures figures = ModesVerifier.figures(file);
    assertEquals(4.0, number(figures.json(), "rate_to_peer", "fp32_to_torch"), 1e-9);
    assertTrue(figures.text().contains("pulmo fp32 to peer torch"), figures.text());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6})
  void figures_eventsThatCannotBe_areRefused(int which) throws Exception {
    ModesEvent first = time(Who.PULMO, Mode.FP32, What.LONE, 1, 1);
    write(
        switch (which) {
          case 0 -> List.of();
          case 1 -> List.of(first);
          case 2 -> List.of(begin(false, null), begin(false, null));
          case 3 -> List.of(begin(false, null), first, first);
          case 4 -> List.of(begin(false, null), first);
          case 5 -> List.of(begin(false, null), time(Who.PEER, Mode.FP32, What.LONE, 1, 1));
          default -> List.of(begin(true, null), first);
        });
    CommandFailure thrown = assertThrows(CommandFailure.class, () -> ModesVerifier.figures(file));
    assertTrue(String.valueOf(thrown.getMessage()).startsWith(file.toString()));
  }

  @Test
  void format_ofTheFirstLine_tellsTheBench() throws Exception {
    write(List.of(begin(false, null)));
    assertEquals(ModesEvent.FORMAT, EventsFile.format(file));
    Files.writeString(file, "");
    assertEquals("", EventsFile.format(file));
    Files.writeString(file, "no json\n");
    assertThrows(CommandFailure.class, () -> EventsFile.format(file));
  }
}
