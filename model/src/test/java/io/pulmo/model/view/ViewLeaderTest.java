package io.pulmo.model.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.ViewJournal.Published;
import io.pulmo.model.view.ViewJournal.Restore;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ViewLeaderTest {
  private static Published checkpoint(long view, long step, String digest) {
    return new Published(new Label(view, step), "file of " + digest, digest, Double.NaN);
  }

  @Test
  void job_enoughMembers_startsWhenTheyHaveSettled() {
    LeaderRig rig = new LeaderRig(2, 8);
    rig.attach("a");
    assertEquals("waits for workers: 1 of 2", rig.leader.status());
    rig.attach("b");
    assertEquals(List.of(), rig.orders);
    rig.pass(200);
    assertEquals(List.of("a", "b"), rig.viewMembers());
    assertEquals(Label.START, rig.continued());
    assertTrue(rig.leader.isTurning());
    assertEquals("the job starts", rig.leader.lastCause());
  }

  @Test
  void start_digestsThatDiffer_areMadeOne() {
    LeaderRig rig = LeaderRig.training(3, "a", "odd", "b");
    assertTrue(rig.orders.contains("copy odd from a"), rig.orders::toString);
    assertEquals("start", rig.member("odd").digest);
    assertTrue(rig.leader.lastCause().contains("odd began with digest odd"));
  }

  @Test
  void memberLost_others_goOnFromTheHighestStep() {
    LeaderRig rig = LeaderRig.training(1, "a", "b", "c");
    rig.step("a", "s1", false);
    rig.step("b", "s1", false);
    rig.step("c", "s1", false);
    rig.step("b", "s2", false);
    assertEquals(1, rig.leader.committedStep());
    rig.leader.lost("c", "its control stream ended");
    rig.run();
    assertEquals(List.of("a", "b"), rig.viewMembers());
    assertEquals(new Label(1, 2), rig.continued());
    assertTrue(rig.orders.contains("copy a from b"), rig.orders::toString);
    assertEquals("s2", rig.member("a").digest);
    assertEquals("c is lost: its control stream ended", rig.leader.lastCause());
  }

  @Test
  void joiner_copies_beforeTheViewCountsOnIt() {
    LeaderRig rig = LeaderRig.training(1, "a");
    rig.attach("b");
    rig.pass(200);
    assertEquals(List.of("a", "b"), rig.viewMembers());
    int copied = rig.orders.indexOf("copy b from a");
    assertTrue(copied > 0 && copied < rig.orders.indexOf("install b 2"), rig.orders::toString);
  }

  @Test
  void joiner_thatCannotCopy_isLeftOutAndTriedLater() {
    LeaderRig rig = LeaderRig.training(1, "a");
    rig.failingCopies.add("b from a");
    rig.attach("b");
    rig.pass(200);
    assertEquals(List.of("a"), rig.viewMembers());
    assertTrue(rig.leader.isTurning());
    rig.failingCopies.clear();
    rig.pass(1_500);
    rig.pass(200);
    assertEquals(List.of("a", "b"), rig.viewMembers());
  }

  @Test
  void copy_brokenOff_isTakenFromAnotherHolder() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    rig.failingCopies.add("c from a");
    rig.attach("c");
    rig.pass(200);
    assertEquals(List.of("a", "b", "c"), rig.viewMembers());
    assertTrue(rig.orders.contains("copy c from b"), rig.orders::toString);
  }

  @Test
  void leaver_isReleased_onceAViewWithoutItIsWritten() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    rig.leader.leaving("a");
    assertFalse(rig.orders.contains("release a"));
    rig.run();
    assertEquals(List.of("b"), rig.viewMembers());
    assertTrue(rig.orders.contains("release a"));
  }

  @Test
  void leaver_whomNoViewCanDoWithout_isReleasedAtOnce() {
    LeaderRig rig = LeaderRig.training(2, "a", "b");
    rig.leader.leaving("a");
    assertTrue(rig.orders.contains("release a"));
    assertEquals("waits for workers: 1 of 2", rig.leader.status());
  }

  @Test
  void leaver_thatAttachesAgain_isReleasedAgain() {
    LeaderRig rig = LeaderRig.training(2, "a", "b");
    rig.leader.leaving("a");
    rig.leader.lost("a", "gone");
    rig.attach("a");
    rig.leader.leaving("a");
    assertEquals(2, rig.orders.stream().filter("release a"::equals).count());
  }

  @Test
  void leaver_withoutASeat_isReleasedAtOnce() {
    LeaderRig rig = LeaderRig.training(1, "a");
    rig.attach("b");
    rig.leader.leaving("b");
    assertTrue(rig.orders.contains("release b"));
    assertEquals(List.of("a"), rig.viewMembers());
  }

  @Test
  void promiseAboveTheView_heard_isReservedAbove() {
    LeaderRig rig = new LeaderRig(1, 8);
    rig.member("a").views.prepare(0, 41);
    rig.attach("a");
    rig.pass(200);
    assertEquals(42, rig.kept.view().orElseThrow().id());
  }

  @Test
  void leader_ofWhomANewerOneIsHeard_givesNoOrders() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    rig.member("a").views.heard(7);
    rig.leader.lost("b", "gone");
    rig.run();
    assertTrue(rig.leader.superseded().orElseThrow().contains("leader epoch 7"));
    int before = rig.orders.size();
    rig.attach("b");
    rig.pass(100_000);
    assertEquals(before, rig.orders.size());
  }

  @Test
  void write_refused_endsTheOffice() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    rig.refusesWrites = true;
    int before = rig.orders.size();
    assertThrows(IllegalStateException.class, () -> rig.leader.lost("b", "gone"));
    rig.refusesWrites = false;
    rig.pass(10_000);
    assertEquals(before, rig.orders.size());
    assertTrue(rig.member("a").views.isIn(1));
  }

  @Test
  void memberWithoutAnswer_isDoneWithout() {
    LeaderRig rig = LeaderRig.training(1, "a", "b", "c");
    rig.mute.add("b");
    rig.leader.lost("c", "gone");
    rig.run();
    assertEquals("changes to view 2: waits for the promise of b", rig.leader.status());
    rig.pass(3_000);
    assertEquals(List.of("a"), rig.viewMembers());
  }

  @Test
  void digests_ofWhichOneDiffers_makeItLeaveNamed() {
    LeaderRig rig = LeaderRig.training(1, "a", "b", "c");
    rig.step("a", "s1", true);
    rig.step("b", "bad", true);
    assertEquals(1, rig.kept.view().orElseThrow().id());
    rig.step("c", "s1", true);
    assertEquals(List.of("a", "c"), rig.viewMembers());
    assertTrue(rig.leader.lastCause().contains("b=bad"), rig.leader::lastCause);
    assertTrue(rig.orders.contains("release b"));
  }

  @Test
  void digests_foundToDifferInAChange_makeItLeaveNamed() {
    LeaderRig rig = LeaderRig.training(1, "a", "b", "c", "d");
    for (String id : List.of("a", "b", "c")) {
      rig.step(id, id.equals("b") ? "bad" : "s1", false);
    }
    rig.leader.lost("d", "gone");
    rig.run();
    assertEquals(List.of("a", "c"), rig.viewMembers());
    assertTrue(rig.leader.lastCause().contains("has digest bad, the others' s1"));
  }

  @Test
  void digests_oneAgainstOne_restoreACheckpoint() {
    LeaderRig rig = LeaderRig.training(2, "a", "b");
    rig.step("a", "s1", true);
    rig.step("b", "s1", true);
    rig.leader.checkpointHeld("a", checkpoint(1, 1, "s1"));
    rig.leader.checkpointHeld("b", checkpoint(1, 1, "s1"));
    rig.step("a", "x", true);
    rig.step("b", "y", true);
    assertEquals(new Label(1, 1), rig.continued());
    assertEquals("s1", rig.member("b").digest);
    assertEquals(List.of(new Restore(2, 1, 2)), rig.kept.gaps());
  }

  @Test
  void checkpoint_committedAndHeldTwice_isPublished() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    Published saved = checkpoint(1, 1, "s1");
    rig.step("a", "s1", false);
    rig.leader.checkpointHeld("a", saved);
    rig.leader.checkpointHeld("b", saved);
    assertEquals(List.of(), rig.leader.published());
    rig.step("b", "s1", false);
    assertEquals(List.of(saved), rig.leader.published());
    assertEquals(List.of(saved), rig.keeps.get("a"));
    assertEquals(List.of(saved), rig.keeps.get("b"));
    rig.attach("c");
    assertEquals(List.of(saved), rig.keeps.get("c"));
    rig.step("a", "s2", false);
    rig.step("b", "s2", false);
    rig.leader.checkpointHeld("a", checkpoint(1, 2, "s2"));
    assertEquals(List.of(saved), rig.leader.published());
  }

  @Test
  void checkpointPublished_amongManyNewerOnOneDisk_isNotForgotten() {
    Published saved = checkpoint(1, 1, "s1");
    Checkpoints checkpoints = new Checkpoints();
    checkpoints.held("a", saved, List.of(saved));
    for (int step = 2; step < 100; step++) {
      checkpoints.held("a", checkpoint(1, step, "s" + step), List.of(saved));
    }
    assertEquals(List.of("a"), checkpoints.holders(saved));
    assertEquals(List.of(), checkpoints.holders(checkpoint(1, 2, "s2")));
    assertEquals(List.of("a"), checkpoints.holders(checkpoint(1, 99, "s99")));
  }

  @Test
  void checkpointThatAViewContinues_whileNewerComeAndGo_staysPublished() {
    Published first = checkpoint(1, 1, "d1");
    List<Published> all = new java.util.ArrayList<>(List.of(first));
    for (int step = 2; step < 12; step++) {
      all.add(checkpoint(2, step, "d" + step));
    }
    List<Published> kept = Checkpoints.kept(all, first.label());
    assertEquals(List.of(first), kept.subList(0, 1));
    assertEquals(all.subList(all.size() - 4, all.size()), kept.subList(1, kept.size()));
  }

  private static LeaderRig withoutReplicas() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    for (String id : List.of("a", "b")) {
      rig.step(id, "s1", false);
      rig.leader.checkpointHeld(id, checkpoint(1, 1, "s1"));
    }
    rig.step("a", "s2", false);
    rig.leader.lost("a", "gone");
    rig.mute.add("b");
    rig.leader.lost("b", "gone");
    return rig;
  }

  @Test
  void replicas_allLost_areWaitedForBeforeARestore() {
    LeaderRig rig = withoutReplicas();
    rig.attach("c", checkpoint(1, 1, "s1"));
    assertTrue(rig.leader.status().startsWith("waits for a worker of view 1 (a, b), goes back"));
    rig.pass(59_900);
    assertEquals(1, rig.kept.view().orElseThrow().id());
    rig.pass(100);
    assertEquals(List.of("c"), rig.viewMembers());
    assertEquals(new Label(1, 1), rig.continued());
    assertEquals(1, rig.kept.gaps().size());
    assertEquals(2, rig.kept.gaps().get(0).fromStep());
  }

  @Test
  void replica_backWithinThePatience_isGoneOnFrom() {
    LeaderRig rig = withoutReplicas();
    rig.attach("c", checkpoint(1, 1, "s1"));
    rig.pass(59_000);
    rig.attach("a");
    rig.pass(8_000);
    assertEquals(new Label(1, 2), rig.continued());
    assertEquals(List.of(), rig.kept.gaps());
  }

  @Test
  void replicas_knownDead_areNotWaitedFor() {
    LeaderRig rig = withoutReplicas();
    rig.attach("c", checkpoint(1, 1, "s1"));
    rig.leader.replaced("a");
    rig.leader.replaced("b");
    rig.pass(8_000);
    assertEquals(List.of("c"), rig.viewMembers());
  }

  @Test
  void checkpoint_onNobodysDisk_isWaitedFor() {
    LeaderRig rig = withoutReplicas();
    rig.attach("c");
    rig.pass(60_000);
    assertEquals(
        "waits for a worker that has the checkpoint of step 1 on its disk", rig.leader.status());
    rig.attach("d", checkpoint(1, 1, "s1"));
    rig.pass(8_000);
    assertEquals(new Label(1, 1), rig.continued());
  }

  @Test
  void stateRestoredForAViewNeverWritten_isNoReplica() {
    LeaderRig rig = withoutReplicas();
    rig.member("c").views.prepare(1, 5);
    rig.member("c").views.adopt(1, 5, new Label(1, 1), () -> rig.member("c").digest = "s1");
    rig.newLeader();
    rig.attach("c", checkpoint(1, 1, "s1"));
    rig.pass(4_000);
    assertEquals(1, rig.kept.view().orElseThrow().id());
    rig.attach("a");
    rig.pass(1_000);
    assertEquals(new Label(1, 2), rig.continued());
  }

  @Test
  void newLeader_toWhomAllCome_changesNothing() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    rig.newLeader();
    rig.attach("a");
    assertEquals("waits for b to find the new leader", rig.leader.status());
    rig.pass(3_000);
    rig.attach("b");
    assertTrue(rig.leader.isTurning());
    assertEquals(1, rig.kept.view().orElseThrow().id());
  }

  @Test
  void newLeader_toWhomOneDoesNotCome_goesOnWithoutIt() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    rig.newLeader();
    rig.attach("a");
    rig.pass(4_000);
    assertEquals(List.of("a"), rig.viewMembers());
  }

  @Test
  void newLeader_ofAMemberThatHasPromised_makesANewView() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    rig.member("a").views.prepare(1, 9);
    rig.newLeader();
    rig.attach("a");
    rig.attach("b");
    assertEquals(10, rig.kept.view().orElseThrow().id());
    assertTrue(rig.leader.isTurning());
  }

  @Test
  void newLeader_ofMembersNotYetIn_letsThemIn() {
    LeaderRig rig = new LeaderRig(1, 8);
    rig.attach("a");
    rig.pass(100);
    rig.mute.add("a");
    rig.pass(100);
    rig.member("a").views.prepare(1, 1);
    View view =
        new View(1, 1, List.of(new Applicant("a", "a", "a:1", "host", 2).seat(1, 1)), Label.START);
    rig.member("a").views.adopt(1, 1, Label.START, () -> rig.member("a").digest = "start");
    rig.kept = new ViewJournal.Kept(Optional.of(view), 1, List.of(), List.of());
    rig.mute.clear();
    rig.newLeader();
    rig.attach("a");
    assertTrue(rig.leader.isTurning());
    assertEquals(1, rig.member("a").views.enteredView());
  }

  @Test
  void link_brokenBetweenTwoOfFour_isGoneRound() {
    LeaderRig rig = LeaderRig.training(1, "a", "b", "c", "d");
    rig.leader.stalled("b", 1, "lost c", "c");
    rig.run();
    List<String> ring = rig.viewMembers();
    assertEquals(4, ring.size());
    int apart = Math.abs(ring.indexOf("b") - ring.indexOf("c"));
    assertEquals(2, apart);
  }

  @Test
  void link_brokenTwiceAmongThree_makesTheLaterJoinerLeave() {
    LeaderRig rig = LeaderRig.training(1, "a", "b", "c");
    rig.leader.stalled("b", 1, "lost c", "c");
    rig.run();
    assertEquals(List.of("a", "b", "c"), rig.viewMembers());
    rig.leader.stalled("c", 2, "lost b", "b");
    rig.run();
    assertEquals(List.of("a", "b"), rig.viewMembers());
  }

  @Test
  void link_brokenOnceBeforeStepsWereTaken_isForgotten() {
    LeaderRig rig = LeaderRig.training(1, "a", "b", "c");
    rig.leader.stalled("b", 1, "lost c", "c");
    rig.run();
    for (String id : List.of("a", "b", "c")) {
      rig.step(id, "s1", false);
    }
    rig.leader.stalled("b", 2, "lost c", "c");
    rig.run();
    assertEquals(List.of("a", "b", "c"), rig.viewMembers());
  }

  @Test
  void shares_toBeOthers_makeAViewOfTheSameMembers() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    rig.leader.reseat("b is slow: compute");
    rig.pass(200);
    assertEquals(2, rig.kept.view().orElseThrow().id());
    assertEquals("b is slow: compute", rig.leader.lastCause());
  }

  @Test
  void messages_aboutOtherViews_changeNothing() {
    LeaderRig rig = LeaderRig.training(1, "a", "b");
    int before = rig.orders.size();
    rig.leader.promised("a", new Answer.Promised(1, Optional.empty(), 0));
    rig.leader.adopted("a", 1, new Holding(new Label(9, 9), "x"));
    rig.leader.stalled("a", 0, "old", "b");
    rig.leader.refused("b", 0, new Answer.Refused(1, 1, "old"));
    rig.leader.promised("stranger", new Answer.Promised(1, Optional.empty(), 0));
    rig.run();
    assertEquals(before, rig.orders.size());
    assertTrue(rig.leader.isTurning());
  }
}
