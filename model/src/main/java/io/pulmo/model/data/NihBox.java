package io.pulmo.model.data;

import io.pulmo.model.Finding;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Where a radiologist saw a finding: a row of NIH's {@code BBox_List_2017.csv}.
 *
 * <p>Lengths are in pixels of the images that NIH gives out, 1024 by 1024; x and y are the box's
 * left and upper edge.
 */
public record NihBox(
    String image, Finding finding, double x, double y, double width, double height) {
  /** The side of NIH's images. */
  public static final int IMAGE_PIXELS = 1024;

  /** That file's own word for {@link Finding#INFILTRATION}. */
  private static final String INFILTRATE = "Infiltrate";

  private static final List<List<String>> COLUMNS =
      NihTable.columns("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]");

  /**
   * Reads NIH's table, plain or gzip-compressed.
   *
   * @return one or more, in the order of the file, no two the same
   * @throws MetadataException if a line is bad, a box leaves its image, or there are more than a
   *     million
   * @throws IOException if the file cannot be read or its compression is damaged; names it
   */
  public static List<NihBox> read(Path file) throws IOException, MetadataException {
    return TextLines.read(file, NihBox::parse);
  }

  static List<NihBox> parse(String nameForErrors, InputStream in)
      throws IOException, MetadataException {
    NihTable table = new NihTable(nameForErrors, in, COLUMNS);
    List<NihBox> boxes = new ArrayList<>();
    Set<NihBox> seen = new HashSet<>();
    while (table.next()) {
      String label = table.text(1);
      Finding finding = label.equals(INFILTRATE) ? Finding.INFILTRATION : NihTable.finding(label);
      if (finding == null) {
        throw table.wrong(1, "a finding of ChestX-ray14");
      }
      double x = table.number(2, 0, IMAGE_PIXELS);
      double y = table.number(3, 0, IMAGE_PIXELS);
      NihBox box = new NihBox(table.image(0), finding, x, y, side(table, 4, x), side(table, 5, y));
      if (!seen.add(box)) {
        throw table.wrong(0, "each box once");
      }
      boxes.add(box);
    }
    return List.copyOf(boxes);
  }

  /** More than nothing, and not beyond the image's edge. */
  private static double side(NihTable table, int column, double from) throws MetadataException {
    double side = table.number(column, 0, IMAGE_PIXELS);
    if (side == 0 || from + side > IMAGE_PIXELS) {
      throw table.wrong(
          column, "more than 0 and at most " + (IMAGE_PIXELS - from) + ", where the image ends");
    }
    return side;
  }
}
