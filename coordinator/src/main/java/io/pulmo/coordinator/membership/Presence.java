package io.pulmo.coordinator.membership;

import java.util.function.LongSupplier;

/** One member's control stream as the coordinator hears it. */
public final class Presence {
  private final Member member;
  private final LongSupplier awakeNanos;
  // Written where messages arrive, so that a busy coordinator does not take its own delay for
  // the worker's.
  private volatile long heardNanos;

  Presence(Member member, LongSupplier awakeNanos) {
    this.member = member;
    this.awakeNanos = awakeNanos;
    this.heardNanos = awakeNanos.getAsLong();
  }

  /** Who is here. */
  public Member member() {
    return member;
  }

  /** Notes that the member said something. Any thread may call. */
  public void heard() {
    heardNanos = awakeNanos.getAsLong();
  }

  long silentNanos() {
    return awakeNanos.getAsLong() - heardNanos;
  }
}
