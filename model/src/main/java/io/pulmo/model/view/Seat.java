package io.pulmo.model.view;

/**
 * A member's place in a view's ring.
 *
 * @param memberId drawn at random when its process started
 * @param name for people
 * @param address HOST:PORT where the other members reach it
 * @param share its part of each global batch, relative to the sum of all shares
 * @param threads that its device may use
 */
public record Seat(String memberId, String name, String address, int share, int threads) {
  /** Checks the numbers. */
  public Seat {
    if (share < 0) {
      throw new IllegalArgumentException("share is " + share + ": expected 0 at least");
    }
    if (threads < 1) {
      throw new IllegalArgumentException("threads is " + threads + ": expected 1 at least");
    }
  }
}
