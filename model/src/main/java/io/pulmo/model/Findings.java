package io.pulmo.model;

import java.util.Arrays;

/**
 * The probabilities of the fourteen findings in one study, each in 0..1.
 *
 * @param probabilities fourteen values in the order of {@link Finding}; copied in and out
 */
public record Findings(float[] probabilities) {
  /** Checks the count and the range. */
  public Findings {
    if (probabilities.length != Finding.COUNT) {
      throw new IllegalArgumentException(
          "given " + probabilities.length + " probabilities, expected " + Finding.COUNT);
    }
    probabilities = probabilities.clone();
    for (int i = 0; i < probabilities.length; i++) {
      if (!(probabilities[i] >= 0 && probabilities[i] <= 1)) {
        throw new IllegalArgumentException(
            "probability of "
                + Finding.ALL.get(i).label()
                + " is "
                + probabilities[i]
                + ", expected a number from 0 to 1");
      }
    }
  }

  @Override
  public float[] probabilities() {
    return probabilities.clone();
  }

  /** The probability of one finding. */
  public float of(Finding finding) {
    return probabilities[finding.ordinal()];
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Findings that && Arrays.equals(probabilities, that.probabilities);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(probabilities);
  }

  @Override
  public String toString() {
    return Arrays.toString(probabilities);
  }
}
