package io.pulmo.model.data;

/**
 * A label list that breaks its format; the message names file, line, what was found and expected.
 */
public final class LabelListException extends Exception {
  private static final long serialVersionUID = 1L;

  LabelListException(String message) {
    super(message);
  }
}
