package io.pulmo.worker.ring;

/** This member itself left the ring. */
public final class RingAbortedException extends RingException {
  RingAbortedException(String reason) {
    super("the all-reduce was abandoned: " + reason);
  }
}
