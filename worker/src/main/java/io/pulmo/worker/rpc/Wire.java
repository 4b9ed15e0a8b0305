package io.pulmo.worker.rpc;

import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.proto.RingMember;
import io.pulmo.proto.StateHolding;
import io.pulmo.proto.StateLabel;
import io.pulmo.worker.ring.RingPlan;

/** What several messages have in common, from the wire and back. */
final class Wire {
  private Wire() {}

  static Label label(StateLabel label) {
    return new Label(label.getView(), label.getStep());
  }

  static StateLabel label(Label label) {
    return StateLabel.newBuilder().setView(label.view()).setStep(label.step()).build();
  }

  static Holding holding(StateHolding holding) {
    return new Holding(label(holding.getLabel()), holding.getDigest());
  }

  static StateHolding holding(Holding holding) {
    return StateHolding.newBuilder()
        .setLabel(label(holding.label()))
        .setDigest(holding.digest())
        .build();
  }

  static RingPlan.Peer peer(RingMember member) {
    return new RingPlan.Peer(member.getMemberId(), member.getName(), member.getRingAddress());
  }
}
