package io.pulmo.export;

/** Which integers weights may be, which depends on how the processor multiplies bytes. */
public enum WeightRange {
  /** Each from -127 to 127: for processors that add products of bytes in 32 bits (VNNI, AMX). */
  FULL,
  /**
   * Of two neighbouring input channels' weights the sum is from -128 to 128, half of what two of
   * them could reach: for all other processors, which add two products, each with an activation of
   * up to 255, in 16 bits and clip the sum silently.
   */
  HALF
}
