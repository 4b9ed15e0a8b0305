package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.model.Finding;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Table 1, by the command. */
class DataStatsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Train, val and test of the study's lists, counted from the files by a script of its own. */
  private static final String TABLE_1 =
      """
      Atelectasis 10.2 10.0 10.8
      Cardiomegaly 2.5 2.1 2.6
      Effusion 11.8 11.5 12.3
      Infiltration 17.7 18.0 17.6
      Mass 5.1 5.6 5.1
      Nodule 5.6 5.5 6.0
      Pneumonia 1.2 1.2 1.1
      Pneumothorax 4.7 4.5 4.9
      Consolidation 4.2 4.0 4.3
      Edema 2.2 1.8 1.8
      Emphysema 2.3 1.9 2.3
      Fibrosis 1.5 1.5 1.6
      Pleural_Thickening 2.9 3.3 3.3
      Hernia 0.2 0.4 0.2
      images 78468 11219 22433
      """;

  private final Path directory;

  DataStatsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void stats_ofTheStudysLists_areItsTable1() throws Exception {
    Path labels = SharedData.required("data/labels");
    List<String> lists =
        List.of("train", "val", "test").stream()
            .map(split -> labels.resolve(split + "_list.txt.gz").toAbsolutePath().toString())
            .toList();
    Path json = directory.resolve("stats.json");
    try (PulmoProcess pulmo =
        PulmoProcess.start(
            directory,
            "data",
            "stats",
            lists.get(0),
            lists.get(1),
            lists.get(2),
            "--json",
            json.toString())) {
      assertEquals(0, pulmo.awaitExit(PATIENCE), pulmo.errors());
      List<String> lines = pulmo.output().lines().toList();
      assertEquals(
          "% of images train_list.txt.gz val_list.txt.gz test_list.txt.gz",
          lines.get(0).replaceAll(" +", " "));
      assertEquals(
          TABLE_1.lines().toList(),
          lines.stream().skip(1).map(line -> line.replaceAll(" +", " ")).toList());
    }
    JsonNode splits = new ObjectMapper().readTree(Files.readAllBytes(json)).get("splits");
    for (int s = 0; s < 3; s++) {
      assertEquals(lists.get(s), splits.get(s).get("file").asText());
      for (String line : TABLE_1.lines().toList()) {
        List<String> cells = List.of(line.split(" ", -1));
        JsonNode number =
            cells.get(0).equals("images")
                ? splits.get(s).get("images")
                : splits.get(s).get("prevalence_pct").get(cells.get(0));
        assertEquals(Double.parseDouble(cells.get(s + 1)), number.asDouble(), 0, line);
      }
      assertEquals(Finding.COUNT, splits.get(s).get("prevalence_pct").size());
    }
  }

  @Test
  void stats_halfOfATenth_isRoundedUp() throws Exception {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 2000; i++) {
      lines.append(i).append(".png ").append(i == 0 ? 1 : 0).append(" 0".repeat(13)).append('\n');
    }
    Path list = Files.writeString(directory.resolve("list.txt"), lines);
    try (PulmoProcess pulmo = PulmoProcess.start(directory, "data", "stats", list.toString())) {
      assertEquals(0, pulmo.awaitExit(PATIENCE), pulmo.errors());
      String output = pulmo.output();
      assertTrue(output.contains("Atelectasis              0.1\n"), output);
    }
  }
}
