package io.pulmo.worker;

import io.pulmo.worker.ring.AllReduce;
import io.pulmo.worker.rpc.InstallOrder;
import org.jspecify.annotations.Nullable;

/** A view that a member has entered, and what became of its part in it. Guarded by its owner. */
final class Entered {
  private final InstallOrder order;
  private final AllReduce ring;
  private boolean taken;
  private boolean ended;
  private @Nullable Stall stall;

  /**
   * Why a member cannot go on.
   *
   * @param culprit the neighbour that was lost; empty if none
   */
  record Stall(String error, String culprit) {}

  Entered(InstallOrder order, AllReduce ring) {
    this.order = order;
    this.ring = ring;
  }

  long view() {
    return order.view().id();
  }

  InstallOrder order() {
    return order;
  }

  AllReduce ring() {
    return ring;
  }

  boolean isFirst() {
    return order.ring().rank() == 0;
  }

  /** Whether it was not taken up before. */
  boolean take() {
    boolean first = !taken;
    taken = true;
    return first;
  }

  void end() {
    ended = true;
  }

  boolean hasEnded() {
    return ended;
  }

  void stall(Stall why) {
    stall = why;
  }

  @Nullable Stall stall() {
    return stall;
  }
}
