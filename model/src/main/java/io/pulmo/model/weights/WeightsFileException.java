package io.pulmo.model.weights;

import java.io.IOException;
import java.io.Serial;
import java.nio.file.Path;

/** Says which weights file is refused, what was found in it and what was expected. */
public final class WeightsFileException extends IOException {
  @Serial private static final long serialVersionUID = 1;

  /** What is wrong may quote the file: no longer than this. */
  private static final int MOST_CHARACTERS = 1000;

  WeightsFileException(Path file, String what) {
    super(message(file, what));
  }

  WeightsFileException(Path file, String what, Throwable cause) {
    super(message(file, what), cause);
  }

  private static String message(Path file, String what) {
    return file
        + ": "
        + (what.length() <= MOST_CHARACTERS ? what : what.substring(0, MOST_CHARACTERS) + "…");
  }
}
