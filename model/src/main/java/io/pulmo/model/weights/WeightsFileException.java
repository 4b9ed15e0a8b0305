package io.pulmo.model.weights;

import java.io.IOException;
import java.io.Serial;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Says which weights file is refused, what was found in it and what was expected. */
public final class WeightsFileException extends IOException {
  @Serial private static final long serialVersionUID = 1;

  /** What is wrong may quote the file: no longer than this. */
  private static final int MOST_CHARACTERS = 1800;

  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");
  private static final Pattern LONG_WORD = Pattern.compile("(\\S{120})\\S+");

  WeightsFileException(Path file, String what) {
    super(message(file, what));
  }

  WeightsFileException(Path file, String what, Throwable cause) {
    super(message(file, what), cause);
  }

  private static String message(Path file, String what) {
    // A stranger's names must neither steer a terminal nor crowd out the sentence around them.
    String words = LONG_WORD.matcher(CONTROL.matcher(what).replaceAll("?")).replaceAll("$1…");
    return file
        + ": "
        + (words.length() <= MOST_CHARACTERS ? words : words.substring(0, MOST_CHARACTERS) + "…");
  }
}
