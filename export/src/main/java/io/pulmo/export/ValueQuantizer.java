package io.pulmo.export;

/**
 * How a value of the network becomes the integers 0 to 255: divided by the step, rounded, moved by
 * zero and held within the range.
 *
 * @param step of one integer, more than 0
 * @param zero the integer that stands for 0
 */
record ValueQuantizer(double step, int zero) {
  /** For a value that is in units of its integers already. */
  static final ValueQuantizer UNITS = new ValueQuantizer(1, 0);

  ValueQuantizer {
    if (!(step > 0 && step < Double.POSITIVE_INFINITY) || zero < 0 || zero > 255) {
      throw new IllegalArgumentException(
          "step " + step + " and zero " + zero + ", expected a positive number and 0 to 255");
    }
  }
}
