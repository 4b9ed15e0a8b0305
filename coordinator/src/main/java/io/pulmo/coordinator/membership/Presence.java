package io.pulmo.coordinator.membership;

import java.util.function.LongSupplier;

/** One member's control stream as the coordinator hears it. */
public final class Presence {
  private final Member member;
  private final LongSupplier nanoTime;
  // Written where messages arrive, so that a busy coordinator does not take its own delay for
  // the worker's.
  private volatile long heardNanos;

  Presence(Member member, LongSupplier nanoTime) {
    this.member = member;
    this.nanoTime = nanoTime;
    this.heardNanos = nanoTime.getAsLong();
  }

  /** Who is here. */
  public Member member() {
    return member;
  }

  /** Notes that the member said something. Any thread may call. */
  public void heard() {
    heardNanos = nanoTime.getAsLong();
  }

  long silentNanos() {
    return nanoTime.getAsLong() - heardNanos;
  }
}
