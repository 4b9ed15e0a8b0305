package io.pulmo.coordinator.membership;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.coordinator.FakeClock;
import io.pulmo.node.HostPort;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class MembersTest {
  private final FakeClock clock = new FakeClock();
  private final Members members = new Members(clock::nanos);

  private static Member member(String id) {
    return new Member(id, "worker-" + id, new HostPort("127.0.0.1", 1), "host", 2, "cpu");
  }

  private void pass(int tenths) {
    for (int i = 0; i < tenths; i++) {
      clock.advance(Duration.ofMillis(100));
      members.silent();
    }
  }

  @Test
  void member_silentForMoreThanTwoSeconds_isLostWithTheCause() {
    Presence talking = members.join(member("a"));
    Presence silent = members.join(member("b"));
    pass(15);
    talking.heard();
    pass(5);
    assertEquals(List.of(), members.silent());
    clock.advance(Duration.ofMillis(50));
    List<Members.Loss> losses = members.silent();
    assertEquals(1, losses.size());
    assertEquals(silent, losses.getFirst().presence());
    assertEquals("no heartbeat for 2.1 s: paused or cut off", losses.getFirst().cause());
  }

  @Test
  void members_afterThisProcessWasPausedItself_areNotLost() {
    Presence one = members.join(member("a"));
    pass(1);
    clock.advance(Duration.ofSeconds(30));
    assertEquals(List.of(), members.silent());
    pass(16);
    assertEquals(List.of(), members.silent());
    pass(1);
    assertEquals(one, members.silent().getFirst().presence());
  }

  @Test
  void members_whileThisProcessGetsLittleTime_areGivenMore() {
    Presence one = members.join(member("a"));
    for (int i = 0; i < 8; i++) {
      clock.advance(Duration.ofMillis(900));
      assertEquals(List.of(), members.silent(), "look " + i);
    }
    one.heard();
    for (int i = 0; i < 8; i++) {
      clock.advance(Duration.ofMillis(900));
      assertEquals(List.of(), members.silent(), "look " + i + " after a word");
    }
    clock.advance(Duration.ofMillis(900));
    assertEquals(one, members.silent().getFirst().presence());
  }

  @Test
  void leave_ofAPresenceThatHasEnded_changesNothing() {
    Presence first = members.join(member("a"));
    assertTrue(members.leave(first));
    Presence second = members.join(member("a"));
    assertFalse(members.leave(first));
    assertEquals(List.of(second.member()), members.inOrder());
  }

  @Test
  void join_ofOneThatIsHere_isRefused() {
    members.join(member("a"));
    assertThrows(IllegalStateException.class, () -> members.join(member("a")));
  }

  @Test
  void join_beyondTheBound_isRefused() {
    for (int i = 0; i < Members.MOST; i++) {
      members.join(member("m" + i));
    }
    assertFalse(members.hasRoom());
    assertThrows(IllegalStateException.class, () -> members.join(member("one-more")));
  }

  @Test
  void label_namesTheWorkerAndTheStartOfItsId() {
    assertEquals("worker-0123456789 (member 01234567)", member("0123456789").label());
  }
}
