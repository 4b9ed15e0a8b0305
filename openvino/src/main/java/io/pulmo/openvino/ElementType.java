package io.pulmo.openvino;

/** The kind of number that a tensor holds. */
public enum ElementType {
  /** True or false, a byte each. */
  BOOLEAN(1, 1),
  /** The upper half of an F32: 8 bits of exponent, 7 of fraction. */
  BF16(2, 2),
  /** IEEE 754 half precision; see {@link Float#float16ToFloat}. */
  F16(3, 2),
  /** IEEE 754 single precision. */
  F32(4, 4),
  /** IEEE 754 double precision. */
  F64(5, 8),
  /** Signed byte. */
  I8(7, 1),
  /** Signed, two bytes. */
  I16(8, 2),
  /** Signed, four bytes. */
  I32(9, 4),
  /** Signed, eight bytes. */
  I64(10, 8),
  /** Unsigned byte. */
  U8(16, 1),
  /** Unsigned, two bytes. */
  U16(17, 2),
  /** Unsigned, four bytes. */
  U32(18, 4),
  /** Unsigned, eight bytes. */
  U64(19, 8),
  /**
   * A kind whose values this binding does not pass, such as strings or four-bit numbers: a port may
   * report it, a tensor cannot be of it.
   */
  OTHER(-1, 0);

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

  static ElementType ofCode(int code) {
    for (ElementType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    return OTHER;
  }

  /** Bytes of one element; 0 for {@link #OTHER}. */
  public int bytes() {
    return bytes;
  }
}
