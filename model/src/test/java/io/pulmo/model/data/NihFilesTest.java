package io.pulmo.model.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.image.SharedData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NihFilesTest {
  private static final String HEADER =
      "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
          + "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]";
  private static final String ROW =
      "00000001_001.png,Cardiomegaly|Emphysema,1,1,58,M,PA,2894,2729,0.143,0.14300000000000002";
  private static final String BOX_HEADER = "Image Index,Finding Label,Bbox [x,y,w,h],,,";
  private static final String BOX = "00013118_008.png,Infiltrate,225.084745762712,547.01,86.7,79";

  @Test
  void image_rowOf2020_isRead() throws Exception {
    assertEquals(
        List.of(
            new NihImage(
                "00000001_001.png",
                Set.of(Finding.CARDIOMEGALY, Finding.EMPHYSEMA),
                1,
                1,
                58,
                NihImage.Sex.M,
                NihImage.View.PA,
                2894,
                2729,
                0.143,
                0.14300000000000002)),
        images(HEADER + "\n" + ROW + "\n"));
  }

  @Test
  void image_spellingsOf2017_readTheSame() throws Exception {
    List<NihImage> plain = images(HEADER + "\n" + ROW);
    assertEquals(plain, images(HEADER + ",\r\n" + ROW + ",\r\n"));
    assertEquals(plain, images("\u00EF\u00BB\u00BF" + HEADER + ",\n" + ROW));
    assertEquals(plain, images(HEADER.replace("Gender", "Sex") + "\n" + ROW));
    assertEquals(plain, images(HEADER + "\n" + ROW.replace(",58,", ",058Y,")));
    assertEquals(2, images(HEADER + "\n" + ROW.replace(",58,", ",030M,")).get(0).ageYears());
    assertEquals(414, images(HEADER + "\n" + ROW.replace(",58,", ",414,")).get(0).ageYears());
  }

  @ParameterizedTest(name = "{0} to {1}")
  @CsvSource(
      delimiter = ';',
      value = {
        "00000001_001.png;../a.png;the image name '../a.png'",
        "Cardiomegaly|Emphysema;Cardiomegaly|Flu;'Flu' as Finding Labels",
        "Cardiomegaly|Emphysema;cardiomegaly;'cardiomegaly' as Finding Labels",
        "Cardiomegaly|Emphysema;Infiltrate;'Infiltrate' as Finding Labels",
        "Cardiomegaly|Emphysema;Mass|Mass;each finding once",
        "Cardiomegaly|Emphysema;Mass|No Finding;'No Finding' as Finding Labels",
        "Cardiomegaly|Emphysema;'';'' as Finding Labels",
        "Cardiomegaly|Emphysema;Mass,0;12 fields",
        "Cardiomegaly|Emphysema;\"Mass\";a quote",
        ",1,1,58;,-1,1,58;'-1' as Follow-up #",
        ",1,1,58;,1,x,58;'x' as Patient ID",
        ",1,1,58;,1,9999999999,58;'9999999999' as Patient ID",
        ",1,1,58;,1,1,1000;'1000' as Patient Age",
        ",M,;,X,;'X' as Patient Gender",
        ",PA,;,LL,;'LL' as View Position",
        "2894;0;'0' as OriginalImage[Width",
        "2729;100001;'100001' as Height]",
        "0.143,;NaN,;'NaN' as OriginalImagePixelSpacing[x",
        "0.143,;1e3,;'1e3' as OriginalImagePixelSpacing[x",
        ",0.14300000000000002;,0;'0' as y]",
        ",0.14300000000000002;'';10 fields",
      })
  void image_badField_isNamedByFileAndLine(String part, String altered, String found) {
    String message = refusal(() -> images(HEADER + "\n" + ROW.replace(part, altered) + "\n"));
    assertTrue(message.startsWith("table, line 2: found "), message);
    assertTrue(message.contains(found) && message.contains(", expected "), message);
  }

  @Test
  void image_secondTime_isRefused() {
    String message = refusal(() -> images(HEADER + "\n" + ROW + "\n" + ROW + "\n"));
    assertTrue(message.startsWith("table, line 3: found '00000001_001.png'"), message);
  }

  @Test
  void image_otherHeaderOrNothing_isRefused() {
    assertTrue(
        refusal(() -> images(BOX_HEADER + "\n" + BOX)).contains("expected 'Image Index,Fin"));
    assertTrue(refusal(() -> images("")).contains("the header ''"));
    assertTrue(refusal(() -> images(HEADER + "\n")).contains("no rows"));
    assertTrue(refusal(() -> images("x".repeat(10_000))).contains("more than 512 bytes"));
  }

  @Test
  void box_infiltrate_isInfiltration() throws Exception {
    assertEquals(
        List.of(
            new NihBox(
                "00013118_008.png", Finding.INFILTRATION, 225.084745762712, 547.01, 86.7, 79)),
        boxes(BOX_HEADER + "\n" + BOX + ",,,\n"));
  }

  @ParameterizedTest(name = "{0} to {1}")
  @CsvSource(
      delimiter = ';',
      value = {
        "Infiltrate;Flu;'Flu' as Finding Label",
        "225.084745762712;1025;'1025' as Bbox [x",
        "547.01;-1;'-1' as y",
        "86.7;0;'0' as w",
        "86.7;900;'900' as w",
        ",79;,478;'478' as h]",
        ",79;,79,1;7 fields",
      })
  void box_badField_isNamedByFileAndLine(String part, String altered, String found) {
    String message = refusal(() -> boxes(BOX_HEADER + "\n" + BOX.replace(part, altered) + "\n"));
    assertTrue(message.startsWith("table, line 2: found "), message);
    assertTrue(message.contains(found) && message.contains(", expected "), message);
  }

  @Test
  void box_secondTime_isRefused() {
    String message = refusal(() -> boxes(BOX_HEADER + "\n" + BOX + "\n" + BOX + "\n"));
    assertTrue(message.startsWith("table, line 3:") && message.contains("each box once"), message);
  }

  @Test
  void names_badLines_areNamed() {
    assertTrue(
        refusal(() -> names("a.png\nb.png\na.png\n")).startsWith("list, line 3: found 'a.png'"));
    assertTrue(
        refusal(() -> names("a.png\n\n")).startsWith("list, line 2: found the image name ''"));
    assertTrue(refusal(() -> names("")).contains("no lines"));
  }

  @Test
  void mutatedTables_areReadOrRefusedInOneWay() throws IOException {
    SplittableRandom random = new SplittableRandom(7);
    int refused = 0;
    int runs = Boolean.getBoolean("pulmo.long") ? 200_000 : 4000;
    for (int i = 0; i < runs; i++) {
      boolean boxes = i % 2 == 0;
      byte[] bytes =
          (boxes ? BOX_HEADER + "\n" + BOX + "\n" : HEADER + "\n" + ROW + "\n")
              .getBytes(StandardCharsets.US_ASCII);
      for (int m = random.nextInt(3); m >= 0; m--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      try {
        assertEquals(1, boxes ? boxes(text).size() : images(text).size());
      } catch (MetadataException e) {
        refused++;
      }
    }
    assertTrue(refused > runs / 2 && refused < runs, refused + " of " + runs + " refused");
  }

  @Test
  void generatedDataSet_isReadAsNihs(@TempDir Path folder) throws Exception {
    SyntheticRadiographs.Summary made =
        SyntheticRadiographs.generate(
            new SyntheticRadiographs.Settings(10, 1, 64, true), folder, done -> {});
    assertEquals(made.images(), NihImage.read(folder.resolve("data_entry.csv")).size());
    assertTrue(NihBox.read(folder.resolve("bbox_list.csv")).size() > 10);
  }

  /** The numbers were counted from the files by a script of its own. */
  @Test
  void nihsOwnFiles_areReadWhole() throws Exception {
    Path folder = SharedData.required("data/nih");
    List<NihImage> images = NihImage.read(folder.resolve("Data_Entry_2017_v2020.csv.gz"));
    assertEquals(112_120, images.size());
    assertEquals(30_805, images.stream().mapToInt(NihImage::patient).distinct().count());
    assertEquals(60_361, images.stream().filter(i -> i.findings().isEmpty()).count());
    long[] positives = new SplitList("all", images, images.size()).positives();
    assertEquals(
        "[11559, 2776, 13317, 19894, 5782, 6331, 1431, 5302, 4667, 2303, 2516, 1686, 3385, 227]",
        Arrays.toString(positives));
    assertEquals(63_340, images.stream().filter(i -> i.sex() == NihImage.Sex.M).count());
    assertEquals(44_810, images.stream().filter(i -> i.view() == NihImage.View.AP).count());
    assertEquals(95, images.stream().mapToInt(NihImage::ageYears).max().orElseThrow());

    List<NihBox> boxes = NihBox.read(folder.resolve("BBox_List_2017.csv.gz"));
    assertEquals(984, boxes.size());
    Map<Finding, Long> byFinding =
        boxes.stream().collect(Collectors.groupingBy(NihBox::finding, Collectors.counting()));
    assertEquals(123, byFinding.get(Finding.INFILTRATION));
    assertEquals(180, byFinding.get(Finding.ATELECTASIS));
    assertEquals(880, new HashSet<>(boxes.stream().map(NihBox::image).toList()).size());
    Map<String, NihImage> byName = new HashMap<>();
    images.forEach(image -> byName.put(image.name(), image));
    assertTrue(
        boxes.stream()
            .allMatch(
                box ->
                    byName.containsKey(box.image())
                        && byName.get(box.image()).findings().contains(box.finding())));
  }

  private interface Reading {
    Object read() throws Exception;
  }

  private static String refusal(Reading reading) {
    return String.valueOf(assertThrows(MetadataException.class, reading::read).getMessage());
  }

  private static List<NihImage> images(String text) throws IOException, MetadataException {
    return NihImage.parse("table", stream(text));
  }

  private static List<NihBox> boxes(String text) throws IOException, MetadataException {
    return NihBox.parse("table", stream(text));
  }

  private static NihNames names(String text) throws IOException, MetadataException {
    return NihNames.parse("list", stream(text));
  }

  private static ByteArrayInputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1));
  }
}
