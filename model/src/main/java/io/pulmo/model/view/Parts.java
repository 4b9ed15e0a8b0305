package io.pulmo.model.view;

import io.pulmo.model.view.Roster.Member;
import java.util.Set;

/** The leader's parts that an attempt works with. */
record Parts(
    ViewLeader.Settings settings,
    ViewLeader.Planner planner,
    ViewLeader.Orders orders,
    Roster roster,
    Links links,
    Checkpoints checkpoints,
    Choice choice,
    Set<String> expelled) {

  boolean isEligible(Member member, long nowNanos) {
    return !member.leaving
        && !member.silent
        && !expelled.contains(member.id())
        && member.notBeforeNanos - nowNanos <= 0;
  }
}
