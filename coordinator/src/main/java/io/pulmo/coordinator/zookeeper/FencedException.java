package io.pulmo.coordinator.zookeeper;

import io.pulmo.coordinator.job.JournalException;
import org.jspecify.annotations.Nullable;

/** Thrown when a write is refused because another leader has an epoch of its own by now. */
public final class FencedException extends JournalException {
  FencedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
