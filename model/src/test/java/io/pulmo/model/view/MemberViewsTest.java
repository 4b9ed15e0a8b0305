package io.pulmo.model.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.view.MemberViews.Answer;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MemberViewsTest {
  private static final View FIRST =
      new View(1, 1, List.of(new Seat("a", "a", "a:1", 1, 1)), Label.START);

  private final MemberViews member = new MemberViews(() -> "d");

  private void enterFirst() {
    member.prepare(1, 1);
    member.adopt(1, 1, Label.START, () -> {});
    assertInstanceOf(Answer.Done.class, member.install(1, FIRST));
  }

  private static Answer.Refused refused(Answer answer) {
    return assertInstanceOf(Answer.Refused.class, answer);
  }

  @Test
  void member_thatHasPromised_takesNoStepInTheViewBefore() {
    enterFirst();
    assertEquals(Optional.of(new Label(1, 1)), member.step(1, () -> {}));
    assertEquals(
        new Answer.Promised(2, Optional.of(new Holding(new Label(1, 1), "d")), 1),
        member.prepare(1, 2));
    assertFalse(member.isIn(1));
    assertTrue(member.step(1, () -> {}).isEmpty());
    assertEquals(Optional.of(new Label(1, 1)), member.label());
  }

  @Test
  void orders_ofAnOlderLeader_areRefusedWithTheNewersEpoch() {
    enterFirst();
    member.heard(5);
    assertEquals(5, refused(member.prepare(4, 2)).highestEpoch());
    assertEquals(5, refused(member.install(4, FIRST)).highestEpoch());
    assertEquals(5, refused(member.adopt(4, 1, Label.START, () -> {})).highestEpoch());
    assertTrue(member.isIn(1));
  }

  @Test
  void prepare_notAboveThePromise_isRefusedWithThePromise() {
    member.prepare(1, 3);
    assertEquals(3, refused(member.prepare(1, 3)).promisedView());
    assertEquals(3, refused(member.prepare(2, 2)).promisedView());
  }

  @Test
  void state_forAViewThatIsNotPromised_isNotPutInPlace() {
    member.prepare(1, 3);
    refused(member.adopt(1, 2, Label.START, () -> assertTrue(false)));
    refused(member.adopt(1, 4, Label.START, () -> assertTrue(false)));
    enterNothing();
  }

  private void enterNothing() {
    assertTrue(member.label().isEmpty());
    assertEquals(0, member.enteredView());
  }

  @Test
  void view_thatContinuesAnotherState_isNotEntered() {
    member.prepare(1, 1);
    refused(member.install(1, FIRST));
    enterNothing();
  }

  @Test
  void install_toldTwice_entersOnce() {
    enterFirst();
    member.step(1, () -> {});
    assertInstanceOf(Answer.Done.class, member.install(1, FIRST));
    assertEquals(Optional.of(new Label(1, 1)), member.label());
  }

  @Test
  void state_ofAViewThatIsEntered_isNotReplaced() {
    enterFirst();
    refused(member.adopt(1, 1, Label.START, () -> assertTrue(false)));
  }
}
