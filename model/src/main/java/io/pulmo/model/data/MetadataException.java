package io.pulmo.model.data;

/**
 * A file of NIH's that breaks its format, or files that contradict each other; the message names
 * file, line, what was found and expected.
 */
public final class MetadataException extends Exception {
  private static final long serialVersionUID = 1L;

  MetadataException(String message) {
    super(message);
  }
}
