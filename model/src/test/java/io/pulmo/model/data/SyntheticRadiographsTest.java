package io.pulmo.model.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.data.SyntheticRadiographs.Settings;
import io.pulmo.model.data.SyntheticRadiographs.Summary;
import io.pulmo.model.image.ImageDecoder;
import io.pulmo.model.image.Pixels;
import io.pulmo.model.image.SharedData;
import io.pulmo.model.image.UnreadableImageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyntheticRadiographsTest {
  @Test
  void generate_sameSettingsTwice_givesTheSameBytes(@TempDir Path folder) throws IOException {
    Settings settings = new Settings(12, 5, 96, true);
    SyntheticRadiographs.generate(settings, folder.resolve("a"), done -> {});
    SyntheticRadiographs.generate(settings, folder.resolve("b"), done -> {});
    SyntheticRadiographs.generate(new Settings(12, 6, 96, true), folder.resolve("c"), done -> {});
    Map<String, List<Byte>> first = contents(folder.resolve("a"));
    assertEquals(settings.images() + 5, first.size());
    assertEquals(first, contents(folder.resolve("b")));
    assertNotEquals(first, contents(folder.resolve("c")));
  }

  private static Map<String, List<Byte>> contents(Path folder) throws IOException {
    Map<String, List<Byte>> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        List<Byte> bytes = new ArrayList<>();
        for (byte b : Files.readAllBytes(file)) {
          bytes.add(b);
        }
        contents.put(folder.relativize(file).toString(), bytes);
      }
    }
    return contents;
  }

  @Test
  void generate_balanced_splitsByPatientAndPlantsAFifth(@TempDir Path folder)
      throws IOException, LabelListException, UnreadableImageException {
    Settings settings = new Settings(600, 1, 64, true);
    List<Integer> progress = new ArrayList<>();
    Summary summary = SyntheticRadiographs.generate(settings, folder, progress::add);

    LabelList train = LabelList.read(folder.resolve("train_list.txt"));
    LabelList validation = LabelList.read(folder.resolve("val_list.txt"));
    LabelList test = LabelList.read(folder.resolve("test_list.txt"));
    List<LabelList> lists = List.of(train, validation, test);
    assertEquals(420, patients(train).size());
    assertEquals(60, patients(validation).size());
    assertEquals(120, patients(test).size());
    Set<String> all = new HashSet<>();
    lists.forEach(list -> all.addAll(patients(list)));
    assertEquals(600, all.size(), "patients in more than one list");

    assertEquals(settings.images(), summary.images());
    assertEquals(lists.stream().mapToInt(LabelList::size).sum(), summary.images());
    assertEquals(summary.testImages(), test.size());
    assertEquals(summary.images(), progress.size());
    assertEquals(summary.images(), progress.getLast());
    for (Finding finding : Finding.ALL) {
      double share = (double) summary.positives()[finding.ordinal()] / summary.images();
      assertTrue(share > 0.15 && share < 0.25, finding + " in " + share + " of the images");
    }
    Pixels image =
        ImageDecoder.decode(Files.readAllBytes(folder.resolve("images/00000600_001.png")));
    assertArrayEquals(
        new int[] {64, 64, 1}, new int[] {image.width(), image.height(), image.channels()});
    checkBoxesAndEntries(folder, lists, 64);
  }

  private static Set<String> patients(LabelList list) {
    Set<String> patients = new HashSet<>();
    Map<String, Integer> images = new HashMap<>();
    for (int i = 0; i < list.size(); i++) {
      String name = list.name(i);
      assertTrue(name.matches("\\d{8}_\\d{3}\\.png"), name);
      patients.add(name.substring(0, 8));
      images.merge(name.substring(0, 8), 1, Integer::sum);
    }
    images.forEach((patient, n) -> assertTrue(n >= 2 && n <= 5, patient + " has " + n));
    return patients;
  }

  /** Boxes lie in the image, on positives alone and on every one; data entries say the same. */
  private void checkBoxesAndEntries(Path folder, List<LabelList> lists, int size)
      throws IOException {
    List<String> boxes = Files.readAllLines(folder.resolve("bbox_list.csv"));
    assertEquals("Image Index,Finding Label,Bbox [x,y,w,h],,,", boxes.getFirst());
    Set<String> boxed = new HashSet<>();
    for (String line : boxes.subList(1, boxes.size())) {
      String[] fields = line.split(",", -1);
      assertEquals(6, fields.length, line);
      int x = Integer.parseInt(fields[2]);
      int y = Integer.parseInt(fields[3]);
      int width = Integer.parseInt(fields[4]);
      int height = Integer.parseInt(fields[5]);
      assertTrue(x >= 0 && y >= 0 && width > 0 && height > 0, line);
      assertTrue(x + width <= size && y + height <= size, line);
      boxed.add(fields[0] + " " + Finding.ofLabel(fields[1]));
    }
    Set<String> entered = new HashSet<>();
    List<String> entries = Files.readAllLines(folder.resolve("data_entry.csv"));
    for (String line : entries.subList(1, entries.size())) {
      String[] fields = line.split(",", -1);
      assertEquals(11, fields.length, line);
      if (!fields[1].equals("No Finding")) {
        for (String label : fields[1].split("\\|", -1)) {
          entered.add(fields[0] + " " + Finding.ofLabel(label));
        }
      }
    }
    Set<String> positives = new HashSet<>();
    for (LabelList list : lists) {
      for (int i = 0; i < list.size(); i++) {
        for (Finding finding : Finding.ALL) {
          if (list.positive(i, finding)) {
            positives.add(list.name(i) + " " + finding);
          }
        }
      }
    }
    assertEquals(positives, boxed);
    assertEquals(positives, entered);
  }

  @Test
  void generate_unbalanced_followsChestXray14(@TempDir Path folder) throws IOException {
    Summary summary =
        SyntheticRadiographs.generate(new Settings(800, 2, 64, false), folder, done -> {});
    double images = summary.images();
    assertEquals(
        13_914 / 78_468.0, summary.positives()[Finding.INFILTRATION.ordinal()] / images, 0.03);
    assertEquals(1_690 / 78_468.0, summary.positives()[Finding.EDEMA.ordinal()] / images, 0.012);
    assertTrue(summary.positives()[Finding.HERNIA.ordinal()] < 0.01 * images);
  }

  @Test
  void prevalence_unbalanced_isThatOfTheRealTrainingList() throws IOException, LabelListException {
    LabelList real = LabelList.read(SharedData.required("data/labels/train_list.txt.gz"));
    long[] positives = real.positives();
    for (Finding finding : Finding.ALL) {
      assertEquals(
          (double) positives[finding.ordinal()] / real.size(),
          SyntheticRadiographs.prevalence(finding, false),
          1e-12,
          finding.label());
    }
  }

  @Test
  void generate_leavesNoTemporaryFile(@TempDir Path folder) throws IOException {
    SyntheticRadiographs.generate(new Settings(10, 3, 64, true), folder, done -> {});
    try (Stream<Path> files = Files.walk(folder)) {
      assertFalse(files.anyMatch(file -> file.toString().endsWith(".part")));
    }
  }

  @Test
  void balancedShapes_integrate_toZero() {
    double disc = 0;
    double line = 0;
    double step = 1e-4;
    for (double r = step / 2; r < 3; r += step) {
      disc += 2 * Math.PI * r * Lesions.balancedDisc(r) * step;
      line += 2 * Lesions.balancedLine(r) * step;
    }
    assertEquals(0, disc, 1e-4);
    assertEquals(0, line, 1e-4);
  }
}
