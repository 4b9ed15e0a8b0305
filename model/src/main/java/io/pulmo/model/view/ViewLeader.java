package io.pulmo.model.view;

import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.Roster.Member;
import io.pulmo.model.view.Turn.Restoring;
import io.pulmo.model.view.ViewJournal.Published;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One job's views as its leader sees them: who takes part, when a new view is needed, from which
 * state it goes on.
 *
 * <p>Owned by one thread. What the journal throws comes out of the event that led to the write, and
 * ends this leader's office: it gives no orders any more.
 */
public final class ViewLeader {
  private static final long FIRST_DELAY_MILLIS = 250;
  private static final long LONGEST_DELAY_MILLIS = 8_000;

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

    /** The job needs this member no more. */
    void release(String memberId);
  }

  private final long leaderEpoch;
  private final Settings settings;
  private final Orders orders;
  private final LongSupplier nanoTime;
  private final ViewRecord record;
  private final Roster roster = new Roster();
  private final Links links;
  private final Checkpoints checkpoints;
  private final Choice choice;
  private final Patience patience;
  private final Needs needs;
  private final Set<String> expelled = new HashSet<>();
  private final Set<String> released = new HashSet<>();
  private final Turn.Parts parts;
  private Reports reports;
  private @Nullable Turn turn;
  private Optional<String> superseded = Optional.empty();
  private String lastCause = "";
  private String waiting = "";
  private long highestPromise;
  private int barrenTurns;
  private long nextTurnNanos;

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
    this.leaderEpoch = leaderEpoch;
    this.settings = settings;
    this.orders = orders;
    this.nanoTime = nanoTime;
    this.choice = choice;
    this.checkpoints = checkpoints;
    long now = nanoTime.getAsLong();
    record = new ViewRecord(journal);
    links = new Links(nanos(settings.patienceMillis));
    patience = new Patience(nanos(settings.patienceMillis));
    needs = new Needs(record, roster, patience, settings, now);
    parts = new Turn.Parts(settings, planner, orders, roster, links, checkpoints, choice, expelled);
    reports = new Reports(record.view());
    nextTurnNanos = now;
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
    if (isOver()) {
      return;
    }
    long now = nanoTime.getAsLong();
    Member member = roster.arrived(applicant, now);
    member.enteredView = enteredView;
    heard(member, promisedView);
    needs.attached(member.id());
    checkpoints.forget(member.id());
    onDisk.reversed().forEach(it -> checkpoints.held(member.id(), it));
    holding.ifPresent(
        it -> {
          member.label = it.label();
          reported(member, it.label(), Optional.of(it.digest()));
        });
    Turn current = turn;
    if (current != null) {
      if (current.isRestoring() && isCandidate(member)) {
        current.overtaken(member.name() + " has come back with a state");
      } else if (promisedView == current.id()) {
        current.promised(member.id(), new Answer.Promised(promisedView, holding, enteredView));
      }
      current.came(member);
    }
    record
        .view()
        .filter(view -> turn == null && view.seat(member.id()).isPresent() && !member.isIn(view))
        .filter(view -> promisedView <= view.id() && view.continues().equals(member.label))
        .ifPresent(view -> install(member, view));
    decide();
  }

  /** That process is dead for certain: another one has its state folder. */
  public void replaced(String deadMemberId) {
    if (isOver() || (!roster.has(deadMemberId) && !record.isSeated(deadMemberId))) {
      return;
    }
    patience.dead(deadMemberId);
    lost(deadMemberId, "its process has ended and another one has its state folder");
  }

  /** A member's control stream has ended, or it is silent. */
  public void lost(String memberId, String cause) {
    if (isOver()) {
      return;
    }
    needs.lost(memberId, cause);
    roster.left(memberId);
    links.forget(memberId);
    checkpoints.forget(memberId);
    if (turn != null) {
      turn.lost(memberId);
    }
    decide();
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
          heard(member, answer.view());
          if (turn != null && turn.id() == answer.view()) {
            answer.holding().ifPresent(it -> member.reached(it.label()));
            member.enteredView = Math.max(member.enteredView, answer.enteredView());
            answer.holding().ifPresent(it -> reported(member, it.label(), Optional.empty()));
            turn.promised(memberId, answer);
          }
        });
  }

  /**
   * A member has not carried out an order.
   *
   * @param view of the order
   */
  public void refused(String memberId, long view, Answer.Refused answer) {
    if (answer.highestEpoch() > leaderEpoch && !isOver()) {
      superseded =
          Optional.of(
              "member %s has heard of leader epoch %d, this one is %d"
                  .formatted(memberId, answer.highestEpoch(), leaderEpoch));
      turn = null;
    }
    withMember(
        memberId,
        member -> {
          heard(member, answer.promisedView());
          if (turn != null && turn.id() == view) {
            turn.refused(memberId, answer.promisedView());
          } else if (turn == null && needs.isTold(memberId) && record.isCurrent(view)) {
            needs.stalled(member.name() + " does not enter: " + answer.why());
          }
        });
  }

  /** A member has put a state in place. */
  public void adopted(String memberId, long view, Holding holding) {
    withMember(
        memberId,
        member -> {
          if (turn != null && turn.id() == view) {
            member.label = holding.label();
            turn.adopted(memberId, holding, nanoTime.getAsLong());
          }
        });
  }

  /** A member could not put a state in place. */
  public void adoptFailed(String memberId, long view, String error) {
    withMember(
        memberId,
        member -> {
          if (turn != null && turn.id() == view) {
            turn.adoptFailed(memberId, nanoTime.getAsLong());
          }
        });
  }

  /** A member has entered a view. */
  public void installed(String memberId, long view) {
    withMember(
        memberId,
        member -> {
          heard(member, view);
          if (record.isCurrent(view)) {
            needs.entered(memberId);
            member.enteredView = view;
            member.reached(new Label(view, record.view().orElseThrow().continues().step()));
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
          if (turn == null && record.isSeated(memberId) && record.isCurrent(view)) {
            needs.stalled(member.name() + " cannot go on: " + error);
            if (record.isSeated(culpritId)
                && roster.has(culpritId)
                && !culpritId.equals(memberId)) {
              links.broke(memberId, culpritId, view, nanoTime.getAsLong());
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
          reported(member, label, digest);
        });
  }

  /** A member has a checkpoint on its disk, synced and read back. */
  public void checkpointHeld(String memberId, Published checkpoint) {
    withMember(memberId, member -> checkpoints.held(memberId, checkpoint));
  }

  /** The planner would divide the work otherwise. */
  public void reseat(String cause) {
    needs.reseat(cause);
    decide();
  }

  /** Time has passed; called several times a second. */
  public void tick() {
    decide();
  }

  /** The record's view, empty before the first. */
  public Optional<View> view() {
    return record.view();
  }

  /** Whether all of the view's members have entered it and none has been asked to stop. */
  public boolean isTurning() {
    return turn == null && record.view().filter(needs::isWhole).isPresent();
  }

  /** The newest step that every member of the record's view has. */
  public long committedStep() {
    return reports.committedStep();
  }

  /** What it waits for, for people; empty while the ring turns. */
  public String status() {
    return turn == null ? waiting : turn.status();
  }

  /** Why the last view was made. */
  public String lastCause() {
    return lastCause;
  }

  /** In words, if a member has heard of a newer leader: then this one has ended. */
  public Optional<String> superseded() {
    return superseded;
  }

  /** The published checkpoints, the oldest first. */
  public List<Published> published() {
    return record.kept().checkpoints();
  }

  private interface Change {
    void on(Member member);
  }

  private boolean isOver() {
    return superseded.isPresent() || record.hasFailed();
  }

  private void withMember(String memberId, Change change) {
    Optional<Member> member = roster.find(memberId);
    if (isOver() || member.isEmpty()) {
      return;
    }
    member.get().silent = false;
    change.on(member.get());
    decide();
  }

  private void heard(Member member, long promisedView) {
    member.promisedView = Math.max(member.promisedView, promisedView);
    highestPromise = Math.max(highestPromise, promisedView);
  }

  private void reported(Member member, Label label, Optional<String> digest) {
    reports.reported(member.id(), label, digest).ifPresent(digests -> differ(label, digests));
    if (reports.committedStep() > record.view().map(it -> it.continues().step()).orElse(0L)) {
      barrenTurns = 0;
      links.worked(record.view().orElseThrow().seats());
    }
  }

  private void differ(Label label, Map<String, String> digests) {
    Optional<String> right = Choice.mostHeld(digests);
    needs.stalled("the states at " + label + " differ: " + digests);
    if (right.isEmpty()) {
      patience.distrust();
    }
    digests.forEach(
        (member, digest) -> {
          if (right.isPresent() && !digest.equals(right.get())) {
            expelled.add(member);
          }
        });
  }

  private boolean isCandidate(Member member) {
    Label label = member.label;
    return label != null
        && !patience.isDistrusted()
        && !member.silent
        && !expelled.contains(member.id())
        && record.view().isPresent()
        && choice.isCandidate(record.kept(), member.id(), label, member.enteredView);
  }

  /** Goes on with a view that is being made, publishes, or begins a new view if one is needed. */
  private void decide() {
    if (isOver()) {
      return;
    }
    long now = nanoTime.getAsLong();
    Turn current = turn;
    if (current != null) {
      proceed(current, now);
      if (turn != null || isOver()) {
        return;
      }
    }
    publish();
    links.expire(now);
    expelled.stream().filter(roster::has).toList().forEach(this::release);
    considerTurn(now);
  }

  private void considerTurn(long now) {
    List<Member> ranked = roster.byRank(record.view());
    List<String> eligible =
        ranked.stream()
            .filter(it -> parts.isEligible(it, now))
            .limit(settings.max)
            .map(Member::id)
            .toList();
    List<String> seatable = links.seatable(eligible, settings.min);
    patience.note(record.view().isEmpty() || ranked.stream().anyMatch(this::isCandidate), now);
    Optional<String> urgent = needs.trouble(seatable, now);
    Optional<String> cause = urgent.or(() -> needs.wish(seatable));
    waiting = needs.waits().orElse("");
    if (cause.isEmpty()) {
      needs.nothing();
      return;
    }
    if (seatable.size() < settings.min) {
      waiting = "waits for workers: " + seatable.size() + " of " + settings.min;
      ranked.stream().filter(it -> it.leaving).map(Member::id).forEach(this::release);
      return;
    }
    if (urgent.isEmpty() && !needs.isRipe(seatable, now)) {
      return;
    }
    Restoring restoring = patience.restoring(record.kept(), now);
    if (patience.isWithoutState() && !isRestorable(restoring)) {
      waiting = patience.status(record.kept(), now);
      return;
    }
    if (nextTurnNanos - now > 0) {
      waiting = "tries again to change views: " + cause.get();
      return;
    }
    begin(ranked, seatable, cause.get(), restoring, now);
  }

  private boolean isRestorable(Restoring restoring) {
    List<Published> published = record.kept().checkpoints();
    return published.isEmpty()
        ? restoring != Restoring.NO
        : Turn.restorable(published, checkpoints, restoring).isPresent();
  }

  private void begin(
      List<Member> ranked, List<String> seatable, String cause, Restoring restoring, long now) {
    long id = record.reserve(highestPromise);
    barrenTurns++;
    long delay =
        barrenTurns < 3
            ? 0
            : Math.min(LONGEST_DELAY_MILLIS, FIRST_DELAY_MILLIS << Math.min(barrenTurns - 3, 8));
    nextTurnNanos = now + nanos(delay);
    List<Member> asked =
        ranked.stream()
            .filter(it -> !it.silent && !expelled.contains(it.id()))
            .filter(it -> seatable.contains(it.id()) || record.isSeated(it.id()) || isCandidate(it))
            .toList();
    Turn next = new Turn(parts, record.kept(), id, cause, restoring, patience.isDistrusted());
    turn = next;
    next.begin(asked, now);
    proceed(next, now);
  }

  private void proceed(Turn current, long now) {
    switch (current.proceed(now)) {
      case Turn.Outcome.Going going -> {}
      case Turn.Outcome.Failed failed -> {
        turn = null;
        waiting = "tries again to change views: " + failed.why();
      }
      case Turn.Outcome.Ready ready -> {
        turn = null;
        write(current, ready);
      }
    }
  }

  private void write(Turn current, Turn.Outcome.Ready ready) {
    View view = new View(current.id(), leaderEpoch, ready.seats(), ready.continues());
    // Before the write: the journal may keep it along with the view.
    lastCause = current.cause();
    record.enter(
        view, ready.restored() ? OptionalLong.of(reports.highestStep()) : OptionalLong.empty());
    reports = new Reports(record.view());
    needs.settled();
    patience.settled(view);
    for (Seat seat : view.seats()) {
      roster.find(seat.memberId()).ifPresent(it -> install(it, view));
    }
    for (Member member : roster.byRank(record.view())) {
      if (member.leaving) {
        release(member.id());
      }
    }
  }

  private void install(Member member, View view) {
    needs.told(member.id(), nanoTime.getAsLong());
    orders.install(member.id(), view);
  }

  private void release(String memberId) {
    if (released.add(memberId)) {
      orders.release(memberId);
    }
    released.removeIf(it -> !roster.has(it));
  }

  private void publish() {
    record
        .view()
        .flatMap(it -> checkpoints.publishable(it, committedStep(), record.kept().checkpoints()))
        .ifPresent(record::publish);
  }

  private static long nanos(long millis) {
    return millis * 1_000_000;
  }
}
