package io.pulmo.cli.rpc;

import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.Objects;
import java.util.Optional;

/** A server's refusal in words. */
public final class StatusText {
  private StatusText() {}

  /** The words, if the failure is a server's answer. */
  public static Optional<String> of(Exception failure) {
    return switch (failure) {
      case StatusRuntimeException status -> Optional.of(words(status.getStatus()));
      case StatusException status -> Optional.of(words(status.getStatus()));
      default -> Optional.empty();
    };
  }

  private static String words(Status status) {
    String description =
        Objects.requireNonNullElse(
            status.getDescription(), "no reason given (" + status.getCode() + ")");
    return status.getCode() == Status.Code.UNAVAILABLE
        ? "the server cannot be reached: " + description
        : description;
  }
}
