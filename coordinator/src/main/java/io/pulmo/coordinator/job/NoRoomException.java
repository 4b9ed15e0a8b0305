package io.pulmo.coordinator.job;

import java.io.IOException;

/** Thrown when the disk cannot hold a blob. */
public final class NoRoomException extends IOException {
  NoRoomException(String message) {
    super(message);
  }

  NoRoomException(IOException cause) {
    super("the disk under the coordinator's --state is full: " + cause.getMessage(), cause);
  }
}
