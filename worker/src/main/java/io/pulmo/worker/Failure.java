package io.pulmo.worker;

import io.grpc.StatusRuntimeException;
import io.pulmo.model.job.JobSpecException;
import io.pulmo.worker.train.TrainingException;

/**
 * Why a job cannot go on.
 *
 * @param error for people
 * @param mineAlone whether other members can
 */
record Failure(String error, boolean mineAlone) {
  static Failure of(Throwable cause, String workerName) {
    return switch (cause) {
      case TrainingException e -> new Failure(String.valueOf(e.getMessage()), e.isOnlyHere());
      case JobSpecException e -> new Failure(String.valueOf(e.getMessage()), false);
      case StatusRuntimeException e ->
          new Failure(
              "worker %s: the leader answered %s".formatted(workerName, e.getMessage()), true);
      case OutOfMemoryError e ->
          new Failure(
              "worker %s ran out of memory (%d MiB of heap): lower batch, or give it more with -Xmx"
                  .formatted(workerName, Runtime.getRuntime().maxMemory() >> 20),
              true);
      default -> {
        String message = cause.getMessage();
        yield new Failure(
            "worker %s: %s".formatted(workerName, message == null ? cause : message), true);
      }
    };
  }
}
