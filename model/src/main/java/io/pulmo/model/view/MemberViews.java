package io.pulmo.model.view;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A member's side of a job's views: what it has promised, what it holds, and whether it may go on.
 *
 * <p>Safe for use by several threads: orders come on one, steps are taken on another. Whatever
 * changes the state runs inside, so that a promise and a step exclude each other.
 */
public final class MemberViews {
  private final Supplier<String> digest;
  private final boolean stopsOnPromise;

  @GuardedBy("this")
  private long highestEpoch;

  @GuardedBy("this")
  private long promised;

  @GuardedBy("this")
  private long entered;

  @GuardedBy("this")
  private @Nullable Label label;

  /** What a member says to an order. */
  public sealed interface Answer {
    /**
     * It has stopped for good in every view below.
     *
     * @param view that it was asked for
     * @param holding its state, if it has one
     * @param enteredView the highest that it has entered, 0 for none
     */
    record Promised(long view, Optional<Holding> holding, long enteredView) implements Answer {}

    /** It has done what it was told. */
    record Done() implements Answer {}

    /**
     * It does not, and nothing has changed.
     *
     * @param highestEpoch of a leader that it has heard of
     * @param promisedView the highest it has promised
     * @param why in words
     */
    record Refused(long highestEpoch, long promisedView, String why) implements Answer {}
  }

  /**
   * A member that holds nothing and has promised nothing.
   *
   * @param digest of the state that it holds at the moment of the call
   */
  public MemberViews(Supplier<String> digest) {
    this(digest, true);
  }

  /** One that may go on after a promise: for the test that shows what the promise is good for. */
  MemberViews(Supplier<String> digest, boolean stopsOnPromise) {
    this.digest = digest;
    this.stopsOnPromise = stopsOnPromise;
  }

  /** Takes note of a leader's epoch; false if a newer leader has been heard of. */
  public synchronized boolean heard(long leaderEpoch) {
    if (leaderEpoch < highestEpoch) {
      return false;
    }
    highestEpoch = leaderEpoch;
    return true;
  }

  /** Promises a view and stops in those before it: {@link Answer.Promised} or a refusal. */
  public synchronized Answer prepare(long leaderEpoch, long view) {
    if (!heard(leaderEpoch)) {
      return stale(leaderEpoch);
    }
    if (view <= promised) {
      return refused("view " + view + " is not above the one promised, " + promised);
    }
    promised = view;
    return new Answer.Promised(view, holding(), entered);
  }

  /**
   * Replaces the state by one that was copied or restored for a promised view, already verified.
   *
   * @param view that it is for
   * @param adopted its label
   * @param replace puts the state in place
   */
  public synchronized Answer adopt(long leaderEpoch, long view, Label adopted, Runnable replace) {
    if (!heard(leaderEpoch)) {
      return stale(leaderEpoch);
    }
    if (view != promised || entered >= view) {
      return refused("a state for view " + view + ", where " + promised + " is promised");
    }
    replace.run();
    label = adopted;
    return new Answer.Done();
  }

  /** Enters a promised view; told twice, it has entered once. */
  public synchronized Answer install(long leaderEpoch, View view) {
    if (!heard(leaderEpoch)) {
      return stale(leaderEpoch);
    }
    if (view.id() < promised) {
      return refused("view " + view.id() + " is below the one promised, " + promised);
    }
    if (entered == view.id()) {
      return new Answer.Done();
    }
    Label held = label;
    if (held == null || !held.equals(view.continues())) {
      return refused("view " + view.id() + " continues " + view.continues() + ", held is " + held);
    }
    promised = view.id();
    entered = view.id();
    label = new Label(view.id(), held.step());
    return new Answer.Done();
  }

  /**
   * Takes a step of a view, unless a later one has been promised.
   *
   * @param apply changes the state
   * @return the new label, or nothing if the step was given up
   */
  public synchronized Optional<Label> step(long view, Runnable apply) {
    Label held = label;
    if (!isIn(view) || held == null) {
      return Optional.empty();
    }
    apply.run();
    label = new Label(view, held.step() + 1);
    return Optional.ofNullable(label);
  }

  /** Whether the member may go on in a view. */
  public synchronized boolean isIn(long view) {
    return entered == view && (promised == view || !stopsOnPromise);
  }

  /** What is held, with its digest. */
  public synchronized Optional<Holding> holding() {
    Label held = label;
    return held == null ? Optional.empty() : Optional.of(new Holding(held, digest.get()));
  }

  /** What is held. */
  public synchronized Optional<Label> label() {
    return Optional.ofNullable(label);
  }

  /** The highest view promised, 0 for none. */
  public synchronized long promisedView() {
    return promised;
  }

  /** The highest view entered, 0 for none. */
  public synchronized long enteredView() {
    return entered;
  }

  @GuardedBy("this")
  private Answer stale(long leaderEpoch) {
    return refused(
        "the order is of leader epoch " + leaderEpoch + ", and " + highestEpoch + " was heard");
  }

  @GuardedBy("this")
  private Answer refused(String why) {
    return new Answer.Refused(highestEpoch, promised, why);
  }
}
