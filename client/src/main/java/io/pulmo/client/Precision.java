package io.pulmo.client;

/** What computes an analysis on the server. */
public enum Precision {
  /** The server's choice: {@link #FP32} where it has it, else {@link #TORCH}. */
  SERVER_CHOICE,
  /** PyTorch in float32. */
  TORCH,
  /** OpenVINO in float32. */
  FP32
}
