package io.pulmo.client;

import java.time.Duration;
import java.util.Optional;

/**
 * What a request asks for beside the image.
 *
 * @param precision what shall compute it
 * @param model the model's name; empty where the server has only one
 * @param deadline how long an answer may take; empty for the client's own deadline
 */
public record Options(Precision precision, String model, Optional<Duration> deadline) {
  private static final Options DEFAULTS =
      new Options(Precision.SERVER_CHOICE, "", Optional.empty());

  /** Checks that a deadline is more than nothing. */
  public Options {
    deadline.ifPresent(d -> PulmoClient.checkDeadline(d));
  }

  /** The server's choice of precision, its only model, the client's deadline. */
  public static Options defaults() {
    return DEFAULTS;
  }

  /** These options with another precision. */
  public Options withPrecision(Precision precision) {
    return new Options(precision, model, deadline);
  }

  /** These options with another model. */
  public Options withModel(String model) {
    return new Options(precision, model, deadline);
  }

  /**
   * These options with another deadline.
   *
   * @throws IllegalArgumentException if it is not more than zero
   */
  public Options withDeadline(Duration deadline) {
    return new Options(precision, model, Optional.of(deadline));
  }
}
