package io.pulmo.bench;

import io.pulmo.node.ParentWatch;

/** A process that computes on one core until its parent ends it. */
final class BusyMain {
  private BusyMain() {}

  /** Never returns. */
  public static void main(String[] args) {
    ParentWatch.start(() -> {});
    long x = 1;
    while (x != 0) {
      // Xorshift, which never reaches 0: work that nothing can leave out.
      x ^= x << 13;
      x ^= x >>> 7;
      x ^= x << 17;
    }
  }
}
