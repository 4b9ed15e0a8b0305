package io.pulmo.client;

/** What computes an analysis on the server. */
public enum Precision {
  /**
   * The server's choice: {@link #FP32} where it has it, else {@link #TORCH}, else {@link #INT8}.
   */
  SERVER_CHOICE,
  /** PyTorch in float32. */
  TORCH,
  /** OpenVINO in float32. */
  FP32,
  /** OpenVINO with weights and activations of 8 bits: faster, and an approximation. */
  INT8
}
