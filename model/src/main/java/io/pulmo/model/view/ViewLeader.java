package io.pulmo.model.view;

import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.Roster.Member;
import io.pulmo.model.view.ViewJournal.Published;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * One job's views as its leader sees them: who takes part, when a new view is needed, from which
 * state it goes on.
 *
 * <p>Owned by one thread. What the journal throws comes out of the event that led to the write, and
 * ends this leader's office: it gives no orders any more.
 */
public final class ViewLeader {
  /**
   * How many members a job has, and how long what is waited for.
   *
   * @param min members without which no view is made
   * @param max members of a view
   * @param patienceMillis for a member of the view before, until a checkpoint is restored
   * @param attachGraceMillis for the view's members to find a new leader
   * @param prepareMillis for an answer to a promise or to the entry into a view
   * @param copyMillis for a state to be in place
   * @param settleMillis from a wish (a joiner, other shares) to the change, so that several make
   *     one
   */
  public record Settings(
      int min,
      int max,
      long patienceMillis,
      long attachGraceMillis,
      long prepareMillis,
      long copyMillis,
      long settleMillis) {
    /** Checks the numbers. */
    public Settings {
      if (min < 1 || max < min) {
        throw new IllegalArgumentException(
            "min is %d, max %d: expected min of 1 at least, and max no less".formatted(min, max));
      }
    }
  }

  /** Gives each of a view's members its share, in the order given. */
  public interface Planner {
    /** One seat for each of them. */
    List<Seat> plan(List<Applicant> applicants);
  }

  /** What is sent to members; each may be lost. */
  public interface Orders {
    /** Promise a view. */
    void prepare(String memberId, long view);

    /** Copy a state from a member that holds it. */
    void copy(String memberId, long view, Holding what, Seat from);

    /** Load a checkpoint from the own disk, or from a member that has it. */
    void restore(String memberId, long view, Published what, List<Seat> holders);

    /** Make the state before the first step. */
    void start(String memberId, long view);

    /** Enter a view. */
    void install(String memberId, View view);

    /** The checkpoints that are published: their files must stay, all older ones may go. */
    void keep(String memberId, List<Published> published);

    /** The job needs this member no more. */
    void release(String memberId);
  }

  private final Office office;

  /**
   * The leader of a job whose views are in the journal.
   *
   * @param nanoTime a monotonic clock
   */
  public ViewLeader(
      ViewJournal journal,
      long leaderEpoch,
      Settings settings,
      Planner planner,
      Orders orders,
      LongSupplier nanoTime) {
    this(
        journal, leaderEpoch, settings, planner, orders, nanoTime, new Choice(), new Checkpoints());
  }

  /** One with other rules: for the test that shows what they are good for. */
  ViewLeader(
      ViewJournal journal,
      long leaderEpoch,
      Settings settings,
      Planner planner,
      Orders orders,
      LongSupplier nanoTime,
      Choice choice,
      Checkpoints checkpoints) {
    office =
        new Office(
            new ViewRecord(journal),
            leaderEpoch,
            settings,
            planner,
            orders,
            nanoTime,
            choice,
            checkpoints);
  }

  /**
   * A member can take part; told again whenever it attaches anew.
   *
   * @param holding its state, if it has one
   * @param enteredView the highest view that it has entered
   * @param promisedView the highest that it has promised
   * @param onDisk checkpoints in its state folder
   */
  public void enlisted(
      Applicant applicant,
      Optional<Holding> holding,
      long enteredView,
      long promisedView,
      List<Published> onDisk) {
    if (office.isOver()) {
      return;
    }
    long now = office.nanoTime.getAsLong();
    Member member = office.roster.arrived(applicant, now);
    member.enteredView = enteredView;
    office.heard(member, promisedView);
    office.needs.attached(member.id());
    office.forgetOrders(member.id());
    office.checkpoints.forget(member.id());
    onDisk.reversed().forEach(it -> office.held(member.id(), it));
    office.keep(member.id());
    holding.ifPresent(
        it -> {
          member.label = it.label();
          office.reported(member, it.label(), Optional.of(it.digest()));
        });
    Turn current = office.turn;
    if (current != null) {
      if (current.isRestoring() && office.isCandidate(member)) {
        current.overtaken(member.name() + " has come back with a state");
      } else if (promisedView == current.id()) {
        current.promised(member.id(), new Answer.Promised(promisedView, holding, enteredView));
      }
      current.came(member);
    }
    office
        .record
        .view()
        .filter(
            view -> office.turn == null && view.seat(member.id()).isPresent() && !member.isIn(view))
        .filter(view -> promisedView <= view.id() && view.continues().equals(member.label))
        .ifPresent(view -> office.install(member, view));
    office.decide();
  }

  /** That process is dead for certain: another one has its state folder. */
  public void replaced(String deadMemberId) {
    if (office.isOver()
        || (!office.roster.has(deadMemberId) && !office.record.isSeated(deadMemberId))) {
      return;
    }
    office.patience.dead(deadMemberId);
    lost(deadMemberId, "its process has ended and another one has its state folder");
  }

  /** A member's control stream has ended, or it is silent. */
  public void lost(String memberId, String cause) {
    if (office.isOver()) {
      return;
    }
    office.needs.lost(memberId, cause);
    office.roster.left(memberId);
    office.links.forget(memberId);
    office.checkpoints.forget(memberId);
    if (office.turn != null) {
      office.turn.lost(memberId);
    }
    office.decide();
  }

  /** A member wants to go. */
  public void leaving(String memberId) {
    withMember(memberId, member -> member.leaving = true);
  }

  /** A member has stopped in the views before. */
  public void promised(String memberId, Answer.Promised answer) {
    withMember(
        memberId,
        member -> {
          office.heard(member, answer.view());
          if (office.turn != null && office.turn.id() == answer.view()) {
            answer.holding().ifPresent(it -> member.reached(it.label()));
            member.enteredView = Math.max(member.enteredView, answer.enteredView());
            answer.holding().ifPresent(it -> office.reported(member, it.label(), Optional.empty()));
            office.turn.promised(memberId, answer);
          }
        });
  }

  /**
   * A member has not carried out an order.
   *
   * @param view of the order
   */
  public void refused(String memberId, long view, Answer.Refused answer) {
    if (answer.highestEpoch() > office.leaderEpoch && !office.isOver()) {
      office.superseded =
          Optional.of(
              "member %s has heard of leader epoch %d, this one is %d"
                  .formatted(memberId, answer.highestEpoch(), office.leaderEpoch));
      office.turn = null;
    }
    withMember(
        memberId,
        member -> {
          office.heard(member, answer.promisedView());
          if (office.turn != null && office.turn.id() == view) {
            office.turn.refused(memberId, answer.promisedView());
          } else if (office.turn == null
              && office.needs.isTold(memberId)
              && office.record.isCurrent(view)) {
            office.needs.stalled(member.name() + " does not enter: " + answer.why());
          }
        });
  }

  /** A member has put a state in place. */
  public void adopted(String memberId, long view, Holding holding) {
    withMember(
        memberId,
        member -> {
          if (office.turn != null && office.turn.id() == view) {
            member.label = holding.label();
            office.turn.adopted(memberId, holding, office.nanoTime.getAsLong());
          }
        });
  }

  /** A member could not put a state in place. */
  public void adoptFailed(String memberId, long view, String error) {
    withMember(
        memberId,
        member -> {
          if (office.turn != null && office.turn.id() == view) {
            office.turn.adoptFailed(memberId, office.nanoTime.getAsLong());
          }
        });
  }

  /** A member has entered a view. */
  public void installed(String memberId, long view) {
    withMember(
        memberId,
        member -> {
          office.heard(member, view);
          if (office.record.isCurrent(view)) {
            office.needs.entered(memberId);
            member.enteredView = view;
            member.reached(new Label(view, office.record.view().orElseThrow().continues().step()));
          }
        });
  }

  /**
   * A member cannot go on in its view.
   *
   * @param culpritId the neighbour that it has lost, or empty
   */
  public void stalled(String memberId, long view, String error, String culpritId) {
    withMember(
        memberId,
        member -> {
          if (office.turn == null
              && office.record.isSeated(memberId)
              && office.record.isCurrent(view)) {
            office.needs.stalled(member.name() + " cannot go on: " + error);
            if (office.record.isSeated(culpritId)
                && office.roster.has(culpritId)
                && !culpritId.equals(memberId)) {
              office.links.broke(memberId, culpritId, view, office.nanoTime.getAsLong());
            }
          }
        });
  }

  /** A member has taken a step. */
  public void stepped(String memberId, Label label, Optional<String> digest) {
    withMember(
        memberId,
        member -> {
          member.reached(label);
          office.reported(member, label, digest);
        });
  }

  /** A member has a checkpoint on its disk, synced and read back. */
  public void checkpointHeld(String memberId, Published checkpoint) {
    withMember(memberId, member -> office.held(memberId, checkpoint));
  }

  /** The planner would divide the work otherwise. */
  public void reseat(String cause) {
    office.needs.reseat(cause);
    office.decide();
  }

  /** Time has passed; called several times a second. */
  public void tick() {
    office.decide();
  }

  /** The record's view, empty before the first. */
  public Optional<View> view() {
    return office.record.view();
  }

  /** Whether all of the view's members have entered it and none has been asked to stop. */
  public boolean isTurning() {
    return office.turn == null && office.record.view().filter(office.needs::isWhole).isPresent();
  }

  /** The newest step that every member of the record's view has. */
  public long committedStep() {
    return office.reports.committedStep();
  }

  /** What it waits for, for people; empty while the ring turns. */
  public String status() {
    return office.turn == null ? office.waiting : office.turn.status();
  }

  /** Why the last view was made. */
  public String lastCause() {
    return office.lastCause;
  }

  /** In words, if a member has heard of a newer leader: then this one has ended. */
  public Optional<String> superseded() {
    return office.superseded;
  }

  /** The published checkpoints, the oldest first. */
  public List<Published> published() {
    return office.record.kept().checkpoints();
  }

  private interface Change {
    void on(Member member);
  }

  private void withMember(String memberId, Change change) {
    Optional<Member> member = office.roster.find(memberId);
    if (office.isOver() || member.isEmpty()) {
      return;
    }
    member.get().silent = false;
    change.on(member.get());
    office.decide();
  }
}
