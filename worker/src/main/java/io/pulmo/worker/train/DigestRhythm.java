package io.pulmo.worker.train;

/**
 * When a member computes its state's digest: at multiples of a power of two of steps. So members
 * that choose different powers still meet, at the multiples of the greater one.
 */
final class DigestRhythm {
  private static final double MOST_OF_TIME = 0.01;
  private static final int FIRST_POWER = 3;
  private static final int LEAST_POWER = 2;
  private static final int MOST_POWER = 12;

  private int power = FIRST_POWER;

  /** Whether the state after so many steps is to be hashed. */
  boolean isDue(long step) {
    return step % (1L << power) == 0;
  }

  /** Takes note of what the last digest and a usual step cost. */
  void took(double digestMillis, double stepMillis) {
    int chosen = LEAST_POWER;
    while (chosen < MOST_POWER && digestMillis > MOST_OF_TIME * stepMillis * (1L << chosen)) {
      chosen++;
    }
    power = chosen;
  }
}
