package io.pulmo.cli;

import io.pulmo.cli.terminal.Table;
import io.pulmo.model.Finding;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The study's Table 1: in how many per cent of each split's images each finding is. */
final class PrevalenceTable {
  private final List<Split> splits;

  PrevalenceTable(List<Split> splits) {
    this.splits = List.copyOf(splits);
  }

  /**
   * A column.
   *
   * @param file the list as the user named it
   * @param counts of what lies in it, such as its images, by the name of the count
   * @param images 1 or more
   * @param positives images with each finding, in the order of {@link Finding}; not copied
   */
  record Split(String file, Map<String, Integer> counts, int images, long[] positives) {
    /** Without its folders. */
    String name() {
      return String.valueOf(Path.of(file).getFileName());
    }

    /** Rounded from the exact fraction, halves up. */
    BigDecimal perCent(Finding finding) {
      return BigDecimal.valueOf(100 * positives[finding.ordinal()])
          .divide(BigDecimal.valueOf(images), 1, RoundingMode.HALF_UP);
    }
  }

  /** With the unit in the first head, and the counts below. */
  @Override
  public String toString() {
    boolean namesDiffer = splits.stream().map(Split::name).distinct().count() == splits.size();
    Table table = new Table(cells("% of images", namesDiffer ? Split::name : Split::file));
    for (Finding finding : Finding.ALL) {
      table.row(cells(finding.label(), split -> split.perCent(finding).toPlainString()));
    }
    for (String count : splits.get(0).counts().keySet()) {
      table.row(cells(count.replace('_', ' '), split -> String.valueOf(split.counts().get(count))));
    }
    return table.toString();
  }

  private String[] cells(String head, Function<Split, String> cell) {
    List<String> cells = new ArrayList<>(List.of(head));
    splits.forEach(split -> cells.add(cell.apply(split)));
    return cells.toArray(String[]::new);
  }

  /** The same for programs. */
  Map<String, Object> json() {
    List<Map<String, Object>> columns = new ArrayList<>();
    for (Split split : splits) {
      Map<String, BigDecimal> perCent = new LinkedHashMap<>();
      Map<String, Long> positives = new LinkedHashMap<>();
      for (Finding finding : Finding.ALL) {
        perCent.put(finding.label(), split.perCent(finding));
        positives.put(finding.label(), split.positives()[finding.ordinal()]);
      }
      Map<String, Object> column = new LinkedHashMap<>();
      column.put("file", split.file());
      column.putAll(split.counts());
      column.put("prevalence_pct", perCent);
      column.put("positives", positives);
      columns.add(column);
    }
    return Map.of("splits", columns);
  }
}
