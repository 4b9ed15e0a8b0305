package io.pulmo.model.data;

import io.pulmo.model.Finding;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What NIH says of one image of ChestX-ray14: a row of {@code Data_Entry_2017_v2020.csv}.
 *
 * @param name the image's file name
 * @param findings those it has; none for NIH's "No Finding"
 * @param followUp which of the patient's images, from 0
 * @param patient NIH's number of the patient
 * @param ageYears 0 to 999: the file of 2017 has ages up to 414, which that of 2020 has mended
 * @param sex as recorded
 * @param view from which side the rays came
 * @param widthPixels of the original, before NIH made 1024 by 1024 of it
 * @param heightPixels of the original
 * @param spacingXMillimetres between two columns of the original
 * @param spacingYMillimetres between two rows of the original
 */
public record NihImage(
    String name,
    Set<Finding> findings,
    int followUp,
    int patient,
    int ageYears,
    Sex sex,
    View view,
    int widthPixels,
    int heightPixels,
    double spacingXMillimetres,
    double spacingYMillimetres) {

  /** Female or male. */
  public enum Sex {
    F,
    M
  }

  /** Posteroanterior or anteroposterior. */
  public enum View {
    PA,
    AP
  }

  private static final String NONE = "No Finding";

  private static final List<List<String>> COLUMNS =
      NihTable.columns(
          "Image Index",
          "Finding Labels",
          "Follow-up #",
          "Patient ID",
          "Patient Age",
          "Patient Gender|Patient Sex",
          "View Position",
          "OriginalImage[Width",
          "Height]",
          "OriginalImagePixelSpacing[x",
          "y]");

  /** Copies the findings. */
  public NihImage {
    // An unmodifiable view of an EnumSet: 112,120 hash sets would weigh ten times as much.
    EnumSet<Finding> copy = EnumSet.noneOf(Finding.class);
    copy.addAll(findings);
    findings = Collections.unmodifiableSet(copy);
  }

  /**
   * Reads NIH's table, of 2017 or 2020, plain or gzip-compressed.
   *
   * @return one or more, in the order of the file, each name once
   * @throws MetadataException if a line is bad or there are more than a million
   * @throws IOException if the file cannot be read or its compression is damaged; names it
   */
  public static List<NihImage> read(Path file) throws IOException, MetadataException {
    return TextLines.read(file, NihImage::parse);
  }

  static List<NihImage> parse(String nameForErrors, InputStream in)
      throws IOException, MetadataException {
    NihTable table = new NihTable(nameForErrors, in, COLUMNS);
    List<NihImage> images = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    while (table.next()) {
      NihImage image =
          new NihImage(
              table.image(0),
              findings(table),
              table.whole(2, 0, 99_999),
              table.whole(3, 0, 999_999_999),
              age(table),
              table.oneOf(5, Sex.values()),
              table.oneOf(6, View.values()),
              table.whole(7, 1, 100_000),
              table.whole(8, 1, 100_000),
              table.number(9, 0.001, 100),
              table.number(10, 0.001, 100));
      if (!seen.add(image.name)) {
        throw table.wrong(0, "each image once");
      }
      images.add(image);
    }
    return List.copyOf(images);
  }

  private static Set<Finding> findings(NihTable table) throws MetadataException {
    EnumSet<Finding> findings = EnumSet.noneOf(Finding.class);
    if (table.text(1).equals(NONE)) {
      return findings;
    }
    for (String label : table.text(1).split("\\|", -1)) {
      Finding finding = NihTable.finding(label);
      if (finding == null) {
        throw table.wrong(
            1,
            label,
            label.equals(NONE) ? "it alone, or findings without it" : "findings of ChestX-ray14");
      }
      if (!findings.add(finding)) {
        throw table.wrong(1, label, "each finding once");
      }
    }
    return findings;
  }

  /** In years, or as the first release had it: three digits and Y, M or D. */
  private static int age(NihTable table) throws MetadataException {
    String text = table.text(4);
    if (!text.matches("[0-9]{3}[YMD]")) {
      return table.whole(4, 0, 999);
    }
    int number = Integer.parseInt(text.substring(0, 3));
    return switch (text.charAt(3)) {
      case 'Y' -> number;
      case 'M' -> number / 12;
      default -> number / 365;
    };
  }
}
