package io.pulmo.worker.ring;

/** Why an all-reduce did not happen; its values are then undefined. */
public abstract sealed class RingException extends Exception
    permits RingBrokenException, RingAbortedException {
  RingException(String message) {
    super(message);
  }
}
