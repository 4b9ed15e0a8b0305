package io.pulmo.client;

/**
 * Which integers the weights of a quantized network use. A server chooses by its processor, so two
 * servers of one model may differ.
 */
public enum WeightRange {
  /** All of −127 to 127. */
  FULL,
  /** Half of them, for processors that add the products of bytes in 16 bits. */
  HALF;

  /** The name in tables and files, such as {@code half-range}. */
  public String label() {
    return this == FULL ? "full-range" : "half-range";
  }
}
