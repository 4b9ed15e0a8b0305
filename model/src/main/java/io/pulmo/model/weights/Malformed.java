package io.pulmo.model.weights;

import java.io.Serial;

/** Says what is wrong inside a weights file; the caller knows the file. */
final class Malformed extends Exception {
  @Serial private static final long serialVersionUID = 1;

  Malformed(String message) {
    super(message);
  }
}
