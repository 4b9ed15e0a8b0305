package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.model.data.LabelList;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lists by patient, by the command. */
class DataSplitTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final List<String> LISTS =
      List.of("train_list.txt", "val_list.txt", "test_list.txt");

  private final Path directory;
  private final Path csv;

  DataSplitTest(@TempDir Path directory) throws Exception {
    this.directory = directory;
    StringBuilder lines =
        new StringBuilder(
            "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View"
                + " Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n");
    for (int i = 0; i < 100; i++) {
      lines.append(i + ".png,Mass,0," + i + ",50,F,PA,2000,2000,0.1,0.1,\n");
    }
    csv = Files.writeString(directory.resolve("table.csv"), lines);
  }

  @Test
  void split_drawnTwice_isTheSameAndOfTheRightSizes() throws Exception {
    Path json = directory.resolve("split.json");
    Path out = directory.resolve("out");
    for (int run = 0; run < 2; run++) {
      String output = succeed("--out", out.toString(), "--seed", "5", "--json", json.toString());
      assertTrue(output.contains("Mass 100.0 100.0 100.0\n"), output);
      assertTrue(output.contains("images 70 10 20\n"), output);
      assertTrue(output.contains("patients 70 10 20\n"), output);
    }
    JsonNode splits = new ObjectMapper().readTree(Files.readAllBytes(json)).get("splits");
    for (int i = 0; i < 3; i++) {
      Path list = out.resolve(LISTS.get(i));
      assertEquals(list.toString(), splits.get(i).get("file").asText());
      assertEquals(LabelList.read(list).size(), splits.get(i).get("images").asInt());
      assertEquals(100.0, splits.get(i).get("prevalence_pct").get("Mass").asDouble());
    }
    try (PulmoProcess pulmo =
        PulmoProcess.start(
            directory,
            "data",
            "split",
            "--csv",
            csv.toString(),
            "--out",
            out.toString(),
            "--seed",
            "6")) {
      assertEquals(1, pulmo.awaitExit(PATIENCE));
      assertTrue(pulmo.errors().contains("train_list.txt: is there"), pulmo.errors());
    }
  }

  @Test
  void split_ofNihsLists_saysWhatIsInNone() throws Exception {
    Path trainVal = Files.writeString(directory.resolve("tv.txt"), "1.png\n2.png\n3.png\n");
    Path test = Files.writeString(directory.resolve("t.txt"), "4.png\r\n5.png");
    Path out = directory.resolve("out");
    String output =
        succeed(
            "--out", out.toString(), "--train-val", trainVal.toString(), "--test", test.toString());
    assertTrue(output.contains("95 images of " + csv + " are in no list"), output);
    assertEquals(2, LabelList.read(out.resolve("test_list.txt")).size());
    assertEquals(2, LabelList.read(out.resolve("train_list.txt")).size());
    assertEquals(1, LabelList.read(out.resolve("val_list.txt")).size());
  }

  private String succeed(String... options) throws Exception {
    String[] arguments = new String[options.length + 4];
    System.arraycopy(new String[] {"data", "split", "--csv", csv.toString()}, 0, arguments, 0, 4);
    System.arraycopy(options, 0, arguments, 4, options.length);
    try (PulmoProcess pulmo = PulmoProcess.start(directory, arguments)) {
      assertEquals(0, pulmo.awaitExit(PATIENCE), pulmo.errors());
      return pulmo.output().replaceAll(" +", " ");
    }
  }
}
