package io.pulmo.model;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One of the fourteen thoracic diseases of ChestX-ray14, in the order in which label lists,
 * networks and answers hold them.
 *
 * <p>Source: Wang et al., "ChestX-ray8", CVPR 2017, and the NIH's extension to fourteen.
 */
public enum Finding {
  ATELECTASIS("Atelectasis"),
  CARDIOMEGALY("Cardiomegaly"),
  EFFUSION("Effusion"),
  INFILTRATION("Infiltration"),
  MASS("Mass"),
  NODULE("Nodule"),
  PNEUMONIA("Pneumonia"),
  PNEUMOTHORAX("Pneumothorax"),
  CONSOLIDATION("Consolidation"),
  EDEMA("Edema"),
  EMPHYSEMA("Emphysema"),
  FIBROSIS("Fibrosis"),
  PLEURAL_THICKENING("Pleural_Thickening"),
  HERNIA("Hernia");

  /** How many findings there are: the width of every label row and every answer. */
  public static final int COUNT = 14;

  /** All of them, in order. */
  public static final List<Finding> ALL = List.of(values());

  private final String label;

  Finding(String label) {
    this.label = label;
  }

  /** The NIH's spelling, such as {@code Pleural_Thickening}. */
  public String label() {
    return label;
  }

  /**
   * The finding with this spelling, case ignored.
   *
   * @throws IllegalArgumentException if there is none; the message lists all
   */
  public static Finding ofLabel(String label) {
    for (Finding finding : ALL) {
      if (finding.label.toLowerCase(Locale.ROOT).equals(label.toLowerCase(Locale.ROOT))) {
        return finding;
      }
    }
    throw new IllegalArgumentException(
        "no finding is called '"
            + label
            + "'; expected one of "
            + Stream.of(values()).map(Finding::label).collect(Collectors.joining(", ")));
  }
}
