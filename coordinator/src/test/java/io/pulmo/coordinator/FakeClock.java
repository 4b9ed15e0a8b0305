package io.pulmo.coordinator;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that goes when a test says so. */
public final class FakeClock implements InstantSource {
  private long nanos = 1;

  /** Lets time pass. */
  public void advance(Duration by) {
    nanos += by.toNanos();
  }

  /** For what measures time. */
  public long nanos() {
    return nanos;
  }

  @Override
  public Instant instant() {
    return Instant.ofEpochSecond(1_800_000_000, nanos);
  }
}
