package io.pulmo.model.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.image.SharedData;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PatientSplitTest {
  @Property(tries = 300)
  void draw_anyPatients_areInOneListEachAndNearTheTargets(
      @ForAll @Size(min = 3, max = 80) List<@IntRange(min = 1, max = 30) Integer> sizes,
      @ForAll long seed)
      throws Exception {
    List<NihImage> images = images(sizes);
    PatientSplit split = PatientSplit.draw(images, seed);
    assertPartition(images, split);
    assertEquals(0, split.leftOut());
    int largest = Collections.max(sizes);
    for (SplitList list : split.lists()) {
      // One patient too many at the end, and one moved where a list had none.
      assertTrue(Math.abs(list.images().size() - list.targetImages()) <= 2 * largest);
    }
  }

  @Property(tries = 100)
  void draw_enoughPatientsOfOneImage_meetsTheTargetsExactly(
      @ForAll @Size(min = 3, max = 40) List<@IntRange(min = 1, max = 30) Integer> sizes,
      @ForAll long seed)
      throws Exception {
    List<Integer> more = new ArrayList<>(sizes);
    more.addAll(Collections.nCopies(150, 1));
    for (SplitList list : PatientSplit.draw(images(more), seed).lists()) {
      assertEquals(list.targetImages(), list.images().size());
    }
  }

  @Test
  void draw_orderOfRows_doesNotMatter() throws Exception {
    List<NihImage> images = images(IntStream.range(0, 200).mapToObj(i -> 1 + i % 5).toList());
    List<NihImage> shuffled = new ArrayList<>(images);
    Collections.shuffle(shuffled, new Random(3));
    assertEquals(names(PatientSplit.draw(images, 5)), names(PatientSplit.draw(shuffled, 5)));
    assertNotEquals(names(PatientSplit.draw(images, 5)), names(PatientSplit.draw(images, 6)));
  }

  @Test
  void draw_patientsOfManyImages_areSharedOutToo() throws Exception {
    List<Integer> sizes = new ArrayList<>(Collections.nCopies(1000, 1));
    sizes.addAll(Collections.nCopies(100, 20));
    PatientSplit split = PatientSplit.draw(images(sizes), 1);
    long[] large =
        split.lists().stream()
            .mapToLong(list -> list.images().stream().filter(i -> i.followUp() == 19).count())
            .toArray();
    assertEquals(100, large[0] + large[1] + large[2]);
    assertTrue(
        large[0] >= 55 && large[1] >= 3 && large[2] >= 10, List.of(large[1], large[2]).toString());
  }

  @Test
  void draw_twoPatients_isRefused() {
    MetadataException refused =
        assertThrows(MetadataException.class, () -> PatientSplit.draw(images(List.of(4, 4)), 1));
    assertTrue(String.valueOf(refused.getMessage()).contains("2 patients"));
  }

  @Test
  void draw_ofNihsTable_meetsEverySizeExactly() throws Exception {
    List<NihImage> images =
        NihImage.read(SharedData.required("data/nih/Data_Entry_2017_v2020.csv.gz"));
    PatientSplit split = PatientSplit.draw(images, 1);
    assertPartition(images, split);
    assertArrayEquals(
        new int[] {78_484, 11_212, 22_424},
        split.lists().stream().mapToInt(list -> list.images().size()).toArray());
  }

  @Test
  void ofNih_lists_keepTheTestListAndDivideTheRest() throws Exception {
    List<NihImage> images = images(IntStream.range(0, 100).mapToObj(i -> 1 + i % 4).toList());
    NihNames trainVal = names("train_val", images, 0, 79);
    NihNames test = names("test", images, 80, 98);
    PatientSplit split = PatientSplit.ofNih(images, trainVal, test, 3);
    assertPartition(images.stream().filter(image -> image.patient() < 99).toList(), split);
    assertEquals(4, split.leftOut());
    assertEquals(test.names(), split.lists().get(2).images().stream().map(NihImage::name).toList());
    assertEquals(Math.round(200 / 8.0), split.lists().get(1).images().size());
  }

  @Test
  void ofNih_partOfAPatientsImages_leavesTheOthersOut() throws Exception {
    List<NihImage> images = images(List.of(3, 1, 1, 2));
    NihNames trainVal = new NihNames("train_val", List.of("0_1.png", "1_0.png", "2_0.png"));
    NihNames test = new NihNames("test", List.of("3_1.png"));
    PatientSplit split = PatientSplit.ofNih(images, trainVal, test, 1);
    assertEquals(3, split.leftOut());
    assertEquals(
        Set.of("0_1.png", "1_0.png", "2_0.png", "3_1.png"),
        split.lists().stream()
            .flatMap(list -> list.images().stream())
            .map(NihImage::name)
            .collect(Collectors.toSet()));
  }

  @Test
  void ofNih_contradictions_areNamedByListAndLine() {
    List<NihImage> images = images(List.of(2, 2, 2));
    NihNames trainVal = new NihNames("tv", List.of("0_0.png", "1_0.png"));
    assertEquals(
        "test, line 2: found '9_0.png', expected an image that the CSV has",
        refusal(images, trainVal, new NihNames("test", List.of("2_0.png", "9_0.png"))));
    assertEquals(
        "test, line 1: found '1_1.png' of patient 1, expected no patient who is in tv too, there"
            + " with '1_0.png'",
        refusal(images, trainVal, new NihNames("test", List.of("1_1.png"))));
    assertTrue(
        refusal(
                images,
                new NihNames("tv", List.of("0_0.png", "0_1.png")),
                new NihNames("test", List.of("2_0.png")))
            .contains("1 patients"));
  }

  @Test
  void write_lists_areReadAsLabelListsAndNeverReplaced(@TempDir Path folder) throws Exception {
    List<NihImage> images = images(IntStream.range(0, 50).mapToObj(i -> 1 + i % 3).toList());
    PatientSplit split = PatientSplit.draw(images, 1);
    split.write(folder);
    for (SplitList list : split.lists()) {
      LabelList read = LabelList.read(folder.resolve(list.fileName()));
      assertEquals(list.images().size(), read.size());
      assertArrayEquals(list.positives(), read.positives());
      assertEquals(list.images().get(0).name(), read.name(0));
    }
    Files.delete(folder.resolve("val_list.txt"));
    split.write(folder);
    Files.delete(folder.resolve("train_list.txt"));
    PatientSplit other = PatientSplit.draw(images, 2);
    FileAlreadyExistsException refused =
        assertThrows(FileAlreadyExistsException.class, () -> other.write(folder));
    assertTrue(refused.getFile().endsWith("val_list.txt"), refused.getFile());
    try (var files = Files.list(folder)) {
      assertEquals(
          Set.of("val_list.txt", "test_list.txt"),
          files.map(file -> file.getFileName().toString()).collect(Collectors.toSet()));
    }
  }

  private static void assertPartition(List<NihImage> images, PatientSplit split) {
    Map<Integer, String> listOf = new HashMap<>();
    List<NihImage> all = new ArrayList<>();
    for (SplitList list : split.lists()) {
      assertFalse(list.images().isEmpty());
      assertEquals(
          list.patients(),
          new HashSet<>(list.images().stream().map(NihImage::patient).toList()).size());
      for (NihImage image : list.images()) {
        assertEquals(
            list.fileName(), listOf.computeIfAbsent(image.patient(), p -> list.fileName()));
        all.add(image);
      }
    }
    assertEquals(images.size(), all.size());
    assertEquals(new HashSet<>(images), new HashSet<>(all));
  }

  private static String refusal(List<NihImage> images, NihNames trainVal, NihNames test) {
    return String.valueOf(
        assertThrows(MetadataException.class, () -> PatientSplit.ofNih(images, trainVal, test, 1))
            .getMessage());
  }

  private static List<Set<String>> names(PatientSplit split) {
    return split.lists().stream()
        .map(list -> list.images().stream().map(NihImage::name).collect(Collectors.toSet()))
        .toList();
  }

  private static NihNames names(String file, List<NihImage> images, int first, int last) {
    return new NihNames(
        file,
        images.stream()
            .filter(image -> image.patient() >= first && image.patient() <= last)
            .map(NihImage::name)
            .toList());
  }

  private static List<NihImage> images(List<Integer> sizes) {
    List<NihImage> images = new ArrayList<>();
    for (int patient = 0; patient < sizes.size(); patient++) {
      for (int i = 0; i < sizes.get(patient); i++) {
        images.add(
            new NihImage(
                patient + "_" + i + ".png",
                i % 2 == 0 ? Set.of() : Set.of(Finding.MASS, Finding.ofLabel("Hernia")),
                i,
                patient,
                50,
                NihImage.Sex.F,
                NihImage.View.PA,
                2000,
                2000,
                0.1,
                0.1));
      }
    }
    return images;
  }
}
