package io.pulmo.serving.backend;

import java.util.Locale;

/** What computes a study: an engine and a number format. In the order of preference. */
public enum Mode {
  /** OpenVINO in float32. */
  FP32,
  /** PyTorch in float32. */
  TORCH,
  /**
   * OpenVINO with weights and activations of 8 bits. The last: it is fast, and an approximation,
   * which nobody gets unasked who can have the network itself.
   */
  INT8;

  /** The name on the command line and in tables, such as {@code fp32}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The mode with this label.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Mode ofLabel(String label) {
    for (Mode mode : values()) {
      if (mode.label().equals(label)) {
        return mode;
      }
    }
    throw new IllegalArgumentException("the mode is '" + label + "', expected torch, fp32 or int8");
  }
}
