package io.pulmo.cli.terminal;

import io.pulmo.cli.rpc.StatusText;
import io.pulmo.net.EngineUnavailableException;
import io.pulmo.openvino.OpenVinoNotFoundException;
import io.pulmo.serving.backend.BackendUnavailableException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import java.util.Optional;

/** What a failure looks like to the user: one to three lines, and the exit code. */
final class Errors {
  private Errors() {}

  /** Prints it and gives the exit code. */
  static int report(Exception failure, boolean verbose) {
    System.err.println("pulmo: " + message(failure));
    if (verbose) {
      failure.printStackTrace(System.err);
    }
    return exitCode(failure);
  }

  private static int exitCode(Exception failure) {
    return switch (failure) {
      case CommandFailure known -> known.exitCode();
      case OpenVinoNotFoundException missing -> ExitCode.ENVIRONMENT;
      case EngineUnavailableException missing -> ExitCode.ENVIRONMENT;
      case BackendUnavailableException missing -> ExitCode.ENVIRONMENT;
      default -> ExitCode.FAILED;
    };
  }

  private static String message(Exception failure) {
    Optional<String> answered = StatusText.of(failure);
    if (answered.isPresent()) {
      return answered.get();
    }
    return switch (failure) {
      case NoSuchFileException missing -> "no file " + missing.getFile();
      case AccessDeniedException denied -> "no permission for " + denied.getFile();
      case FileSystemException wrong ->
          wrong.getFile() + ": " + Objects.requireNonNullElse(wrong.getReason(), wrong.toString());
      default -> {
        String message = failure.getMessage();
        yield message == null || message.isBlank() ? failure.toString() : message;
      }
    };
  }
}
