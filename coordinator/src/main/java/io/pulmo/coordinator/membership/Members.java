package io.pulmo.coordinator.membership;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;

/** The members that are here, in the order in which they came. One thread owns it. */
public final class Members {
  /** After so long without a word a member is gone. */
  public static final Duration SILENCE = Duration.ofSeconds(2);

  /** No more than so many are let in. */
  public static final int MOST = 256;

  /** What a pause between two looks counts for at most. */
  private static final long LONGEST_GAP_NANOS = Duration.ofMillis(250).toNanos();

  private final LongSupplier nanoTime;
  private final Map<String, Presence> present = new LinkedHashMap<>();
  private long checkedNanos;

  // A clock that stands still while this process does: when it was paused, or got no processor,
  // what the members said meanwhile may not have been read yet, and is not held against them.
  private volatile long awakeNanos;

  /**
   * Nobody is here.
   *
   * @param nanoTime the clock
   */
  public Members(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.checkedNanos = nanoTime.getAsLong();
  }

  /**
   * A member that is gone.
   *
   * @param presence its control stream
   * @param cause why it counts as gone
   */
  public record Loss(Presence presence, String cause) {}

  /** Whether one more can be let in. */
  public boolean hasRoom() {
    return present.size() < MOST;
  }

  /**
   * Lets a member in.
   *
   * @throws IllegalStateException if it is here already or there is no room
   */
  public Presence join(Member member) {
    if (!hasRoom() || present.containsKey(member.id())) {
      throw new IllegalStateException(member.label() + " cannot join: expected room and a new id");
    }
    Presence presence = new Presence(member, () -> awakeNanos);
    present.put(member.id(), presence);
    return presence;
  }

  /** Lets a member go; false if that presence has ended already. */
  public boolean leave(Presence presence) {
    return present.remove(presence.member().id(), presence);
  }

  /** Who is here, the longest-standing first. */
  public List<Member> inOrder() {
    List<Member> members = new ArrayList<>();
    present.values().forEach(presence -> members.add(presence.member()));
    return members;
  }

  /**
   * Those that have been silent for too long; they stay until they {@link #leave}. Called several
   * times a second: silence is counted in the time between calls.
   */
  public List<Loss> silent() {
    long now = nanoTime.getAsLong();
    // This method alone writes it.
    long awake = awakeNanos + Math.min(now - checkedNanos, LONGEST_GAP_NANOS);
    awakeNanos = awake;
    checkedNanos = now;
    List<Loss> losses = new ArrayList<>();
    for (Presence presence : present.values()) {
      long silent = presence.silentNanos();
      if (silent > SILENCE.toNanos()) {
        losses.add(
            new Loss(
                presence,
                String.format(
                    Locale.ROOT, "no heartbeat for %.1f s: paused or cut off", silent / 1e9)));
      }
    }
    return losses;
  }
}
