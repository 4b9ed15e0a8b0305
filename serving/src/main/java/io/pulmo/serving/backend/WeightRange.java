package io.pulmo.serving.backend;

import io.pulmo.model.bundle.Bundle;

/** Which integers the weights of a quantized network use; in the order of preference. */
public enum WeightRange {
  /** All of −127 to 127: for processors that add products of bytes in 32 bits. */
  FULL("full-range", Bundle.INT8_FULL),
  /**
   * Half of them: without such instructions two neighbouring products are added in 16 bits, which
   * would be clipped silently.
   */
  HALF("half-range", Bundle.INT8_HALF);

  private final String label;
  private final String file;

  WeightRange(String label, String file) {
    this.label = label;
    this.file = file;
  }

  /** The name in answers, such as {@code half-range}. */
  public String label() {
    return label;
  }

  /** The bundle's file of such weights. */
  public String file() {
    return file;
  }
}
