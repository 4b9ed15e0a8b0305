package io.pulmo.openvino;

/** The kind of number that a tensor holds. */
public enum ElementType {
  /** IEEE 754 single precision. */
  F32(4, 4),
  /** Unsigned byte. */
  U8(16, 1);

  private final int code;
  private final int bytes;

  ElementType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /**
   * Its number in OpenVINO 2026; releases before counted from one more, see {@link OpenVinoNative}.
   */
  int code() {
    return code;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
