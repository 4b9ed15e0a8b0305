package io.pulmo.model.weights;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * What an array's elements are in a file. All floats become float32: halves and bfloat16 exactly,
 * doubles rounded to the nearest.
 */
enum ElementType {
  DOUBLE("F64", "DoubleStorage", 8),
  FLOAT("F32", "FloatStorage", 4),
  HALF("F16", "HalfStorage", 2),
  BFLOAT16("BF16", "BFloat16Storage", 2),
  LONG("I64", "LongStorage", 8),
  INT("I32", "IntStorage", 4),
  SHORT("I16", "ShortStorage", 2),
  CHAR("I8", "CharStorage", 1),
  BYTE("U8", "ByteStorage", 1),
  BOOL("BOOL", "BoolStorage", 1);

  private final String safetensors;
  private final String storage;
  private final int bytes;

  ElementType(String safetensors, String storage, int bytes) {
    this.safetensors = safetensors;
    this.storage = storage;
    this.bytes = bytes;
  }

  /** The type that safetensors names so. */
  static Optional<ElementType> ofSafetensors(String name) {
    for (ElementType type : values()) {
      if (type.safetensors.equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** The type of the elements of torch's storage class of this name. */
  static Optional<ElementType> ofStorage(String name) {
    for (ElementType type : values()) {
      if (type.storage.equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  int bytes() {
    return bytes;
  }

  boolean isFloat() {
    return switch (this) {
      case DOUBLE, FLOAT, HALF, BFLOAT16 -> true;
      case LONG, INT, SHORT, CHAR, BYTE, BOOL -> false;
    };
  }

  /** The float at a byte of a little-endian buffer. */
  float floatAt(ByteBuffer buffer, int at) {
    return switch (this) {
      case DOUBLE -> (float) buffer.getDouble(at);
      case FLOAT -> buffer.getFloat(at);
      case HALF -> Float.float16ToFloat(buffer.getShort(at));
      case BFLOAT16 -> Float.intBitsToFloat(buffer.getShort(at) << 16);
      case LONG, INT, SHORT, CHAR, BYTE, BOOL ->
          throw new IllegalStateException(safetensors + " is no float");
    };
  }

  /** As safetensors names it. */
  @Override
  public String toString() {
    return safetensors;
  }
}
