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

  private static final long LATE_NANOS = Duration.ofSeconds(1).toNanos();

  private final LongSupplier nanoTime;
  private final Map<String, Presence> present = new LinkedHashMap<>();
  private long checkedNanos;

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
    Presence presence = new Presence(member, nanoTime);
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

  /** Those that have been silent for too long; they stay until they {@link #leave}. */
  public List<Loss> silent() {
    long now = nanoTime.getAsLong();
    boolean late = now - checkedNanos > LATE_NANOS;
    checkedNanos = now;
    if (late) {
      // This process was itself paused: what the members said meanwhile has not been read yet.
      present.values().forEach(Presence::heard);
      return List.of();
    }
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
