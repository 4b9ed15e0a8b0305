package io.pulmo.model.view;

import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.Roster.Member;
import io.pulmo.model.view.Turn.Restoring;
import io.pulmo.model.view.ViewJournal.Kept;
import io.pulmo.model.view.ViewJournal.Published;
import io.pulmo.model.view.ViewJournal.Restore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
  private static final int RECORDED_RESTORES = 500;
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

  private final ViewJournal journal;
  private final long leaderEpoch;
  private final Settings settings;
  private final Orders orders;
  private final LongSupplier nanoTime;
  private final Roster roster = new Roster();
  private final Links links;
  private final Checkpoints checkpoints;
  private final Choice choice;
  private final Set<String> expelled = new HashSet<>();
  private final Turn.Parts parts;
  private final Set<String> knownDead = new HashSet<>();
  private final Map<String, String> losses = new HashMap<>();
  private final Map<String, Long> entering = new HashMap<>();
  private Kept kept;
  private Reports reports;
  private @Nullable Turn turn;
  private Optional<String> stalled = Optional.empty();
  private Optional<String> reseat = Optional.empty();
  private Optional<String> superseded = Optional.empty();
  private boolean distrusted;
  private boolean ended;
  private String lastCause = "";
  private String waiting = "";
  private long highestPromise;
  private final long graceEndNanos;
  private @Nullable Long wishedSinceNanos;
  private @Nullable Long withoutStateSinceNanos;
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
    this.journal = journal;
    this.leaderEpoch = leaderEpoch;
    this.settings = settings;
    this.orders = orders;
    this.nanoTime = nanoTime;
    this.choice = choice;
    this.checkpoints = checkpoints;
    links = new Links(nanos(settings.patienceMillis));
    parts = new Turn.Parts(settings, planner, orders, roster, links, checkpoints, choice, expelled);
    kept = journal.current();
    reports = new Reports(kept.view());
    long now = nanoTime.getAsLong();
    graceEndNanos = now + nanos(kept.view().isPresent() ? settings.attachGraceMillis : 0);
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
    if (ended) {
      return;
    }
    long now = nanoTime.getAsLong();
    Member member = roster.arrived(applicant, now);
    member.enteredView = enteredView;
    heard(member, promisedView);
    losses.remove(member.id());
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
    kept.view()
        .filter(view -> turn == null && view.seat(member.id()).isPresent() && !member.isIn(view))
        .filter(view -> promisedView <= view.id() && view.continues().equals(member.label))
        .ifPresent(view -> install(member, view));
    decide();
  }

  /** That process is dead for certain: another one has its state folder. */
  public void replaced(String deadMemberId) {
    if (ended || (!roster.has(deadMemberId) && !isSeated(deadMemberId))) {
      return;
    }
    knownDead.add(deadMemberId);
    lost(deadMemberId, "its process has ended and another one has its state folder");
  }

  /** A member's control stream has ended, or it is silent. */
  public void lost(String memberId, String cause) {
    if (ended) {
      return;
    }
    losses.put(memberId, cause);
    losses.keySet().removeIf(it -> !isSeated(it));
    roster.left(memberId);
    links.forget(memberId);
    checkpoints.forget(memberId);
    entering.remove(memberId);
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
    if (answer.highestEpoch() > leaderEpoch && !ended) {
      superseded =
          Optional.of(
              "member %s has heard of leader epoch %d, this one is %d"
                  .formatted(memberId, answer.highestEpoch(), leaderEpoch));
      ended = true;
    }
    withMember(
        memberId,
        member -> {
          heard(member, answer.promisedView());
          if (turn != null && turn.id() == view) {
            turn.refused(memberId, answer.promisedView());
          } else if (turn == null && isAwaited(memberId, view)) {
            stalled = Optional.of(member.name() + " does not enter: " + answer.why());
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
          if (kept.view().filter(it -> it.id() == view).isPresent()) {
            entering.remove(memberId);
            member.enteredView = view;
            member.reached(new Label(view, kept.view().orElseThrow().continues().step()));
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
          if (turn == null && isSeated(memberId) && isCurrent(view)) {
            stalled = Optional.of(member.name() + " cannot go on: " + error);
            if (isSeated(culpritId) && roster.has(culpritId) && !culpritId.equals(memberId)) {
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
    reseat = Optional.of(cause);
    decide();
  }

  /** Time has passed; called several times a second. */
  public void tick() {
    decide();
  }

  /** The record's view, empty before the first. */
  public Optional<View> view() {
    return kept.view();
  }

  /** Whether all of the view's members have entered it and none has been asked to stop. */
  public boolean isTurning() {
    return turn == null && kept.view().filter(this::isWhole).isPresent();
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
    return kept.checkpoints();
  }

  private interface Change {
    void on(Member member);
  }

  private void withMember(String memberId, Change change) {
    Optional<Member> member = roster.find(memberId);
    if (ended || member.isEmpty()) {
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
    if (reports.committedStep() > kept.view().map(it -> it.continues().step()).orElse(0L)) {
      barrenTurns = 0;
      links.worked(kept.view().orElseThrow().seats());
    }
  }

  private void differ(Label label, Map<String, String> digests) {
    Optional<String> right = Choice.mostHeld(digests);
    stalled = Optional.of("the states at " + label + " differ: " + digests);
    distrusted |= right.isEmpty();
    digests.forEach(
        (member, digest) -> {
          if (right.isPresent() && !digest.equals(right.get())) {
            expelled.add(member);
          }
        });
  }

  private boolean isSeated(String memberId) {
    return kept.view().flatMap(it -> it.seat(memberId)).isPresent();
  }

  private boolean isCurrent(long view) {
    return kept.view().filter(it -> it.id() == view).isPresent();
  }

  private boolean isAwaited(String memberId, long view) {
    return entering.containsKey(memberId) && isCurrent(view);
  }

  private boolean isWhole(View view) {
    return view.seats().stream()
        .allMatch(seat -> roster.find(seat.memberId()).filter(it -> it.isIn(view)).isPresent());
  }

  private boolean isCandidate(Member member) {
    Label label = member.label;
    return label != null
        && !distrusted
        && !member.silent
        && !expelled.contains(member.id())
        && kept.view()
            .filter(it -> choice.isCandidate(it, member.id(), label, member.enteredView))
            .isPresent();
  }

  /** Goes on with a view that is being made, publishes, or begins a new view if one is needed. */
  private void decide() {
    if (ended) {
      return;
    }
    long now = nanoTime.getAsLong();
    Turn current = turn;
    if (current != null) {
      proceed(current, now);
      if (turn != null || ended) {
        return;
      }
    }
    publish();
    waiting = "";
    links.expire(now);
    expelled.stream().filter(roster::has).toList().forEach(this::release);
    considerTurn(now);
  }

  private void considerTurn(long now) {
    List<Member> ranked = roster.byRank(kept.view());
    List<Member> eligible =
        ranked.stream().filter(it -> parts.isEligible(it, now)).limit(settings.max).toList();
    List<String> seatable =
        links.seatable(eligible.stream().map(Member::id).toList(), settings.min);
    noteStates(ranked, now);
    Optional<String> urgent = trouble(seatable, now);
    Optional<String> wish = urgent.isPresent() ? Optional.empty() : wish(seatable);
    if (urgent.isEmpty() && wish.isEmpty()) {
      wishedSinceNanos = null;
      return;
    }
    if (seatable.size() < settings.min) {
      waiting = "waits for workers: " + seatable.size() + " of " + settings.min;
      ranked.stream().filter(it -> it.leaving).map(Member::id).forEach(this::release);
      return;
    }
    if (wish.isPresent() && !isRipe(seatable, now)) {
      return;
    }
    Restoring restoring = restoring(now);
    if (kept.view().isPresent() && withoutStateSinceNanos != null) {
      boolean possible =
          kept.checkpoints().isEmpty()
              ? restoring != Restoring.NO
              : Turn.restorable(kept.checkpoints(), checkpoints, restoring).isPresent();
      if (!possible) {
        waiting = waitsForState(restoring, now);
        return;
      }
    }
    if (nextTurnNanos - now > 0) {
      waiting = "tries again to change views: " + urgent.or(() -> wish).orElse("");
      return;
    }
    begin(ranked, seatable, urgent.or(() -> wish).orElse(""), restoring, now);
  }

  /** Why the ring of the record's view cannot go on as it is. */
  private Optional<String> trouble(List<String> seatable, long now) {
    if (kept.view().isEmpty()) {
      return Optional.empty();
    }
    View view = kept.view().get();
    List<Seat> absent = view.seats().stream().filter(it -> !roster.has(it.memberId())).toList();
    boolean isExpected = absent.stream().anyMatch(it -> !knownDead.contains(it.memberId()));
    if (isExpected && graceEndNanos - now > 0 && absent.stream().noneMatch(this::isLost)) {
      waiting = "waits for " + absent.get(0).name() + " to find the new leader";
      return Optional.empty();
    }
    for (Seat seat : view.seats()) {
      Optional<Member> member = roster.find(seat.memberId());
      if (member.isEmpty()) {
        String why = losses.getOrDefault(seat.memberId(), "it has not come to the new leader");
        return Optional.of(seat.name() + " is lost: " + why);
      }
      if (member.get().leaving) {
        return Optional.of(seat.name() + " leaves");
      }
    }
    if (stalled.isPresent()) {
      return stalled;
    }
    for (Seat seat : view.seats()) {
      Member member = roster.find(seat.memberId()).orElseThrow();
      Long deadline = entering.get(member.id());
      if (!member.isIn(view) && deadline != null && deadline - now > 0) {
        waiting = "waits until " + seat.name() + " enters view " + view.id();
      } else if (!member.isIn(view)) {
        member.silent = deadline != null && member.promisedView <= view.id();
        return Optional.of(seat.name() + " is not in view " + view.id());
      } else if (!seatable.contains(member.id())) {
        return Optional.of(seat.name() + " cannot be reached by the others");
      }
    }
    return Optional.empty();
  }

  private boolean isLost(Seat seat) {
    return losses.containsKey(seat.memberId()) && !knownDead.contains(seat.memberId());
  }

  /** Why another view would be better than the one that turns. */
  private Optional<String> wish(List<String> seatable) {
    if (kept.view().isEmpty()) {
      return Optional.of("the job starts");
    }
    if (!isWhole(kept.view().get())) {
      return Optional.empty();
    }
    Optional<Member> joiner =
        seatable.stream().filter(it -> !isSeated(it)).findFirst().flatMap(roster::find);
    return joiner.isPresent() ? joiner.map(it -> it.name() + " joins") : reseat;
  }

  private boolean isRipe(List<String> seatable, long now) {
    if (wishedSinceNanos == null) {
      wishedSinceNanos = now;
    }
    boolean isComplete = kept.view().isEmpty() && seatable.size() == settings.max;
    return isComplete || now - wishedSinceNanos >= nanos(settings.settleMillis);
  }

  /** Since when nobody here holds a state that could be gone on from. */
  private void noteStates(List<Member> ranked, long now) {
    if (kept.view().isEmpty() || ranked.stream().anyMatch(this::isCandidate)) {
      withoutStateSinceNanos = null;
    } else if (withoutStateSinceNanos == null) {
      withoutStateSinceNanos = now;
    }
  }

  private Restoring restoring(long now) {
    Long since = withoutStateSinceNanos;
    if (distrusted || (since != null && now - since >= nanos(settings.patienceMillis))) {
      return Restoring.ANY;
    }
    boolean allDead =
        kept.view()
            .filter(it -> it.seats().stream().allMatch(s -> knownDead.contains(s.memberId())))
            .isPresent();
    return since != null && allDead ? Restoring.NEWEST : Restoring.NO;
  }

  private String waitsForState(Restoring restoring, long now) {
    View view = kept.view().orElseThrow();
    List<String> names = view.seats().stream().map(Seat::name).toList();
    String state =
        kept.checkpoints().isEmpty()
            ? "the start"
            : "the checkpoint of step " + kept.checkpoints().getLast().label().step();
    if (restoring == Restoring.ANY) {
      return "waits for a worker that has " + state + " on its disk";
    }
    long since = withoutStateSinceNanos == null ? now : withoutStateSinceNanos;
    long leftMillis = settings.patienceMillis - (now - since) / 1_000_000;
    return "waits for a worker of view %d (%s), goes back to %s in %d s"
        .formatted(view.id(), String.join(", ", names), state, (leftMillis + 999) / 1000);
  }

  private void begin(
      List<Member> ranked, List<String> seatable, String cause, Restoring restoring, long now) {
    long id =
        1
            + Math.max(
                highestPromise, Math.max(kept.reserved(), kept.view().map(View::id).orElse(0L)));
    write(new Kept(kept.view(), id, kept.checkpoints(), kept.gaps()));
    barrenTurns++;
    long delay =
        barrenTurns < 3
            ? 0
            : Math.min(LONGEST_DELAY_MILLIS, FIRST_DELAY_MILLIS << Math.min(barrenTurns - 3, 8));
    nextTurnNanos = now + nanos(delay);
    List<Member> asked =
        ranked.stream()
            .filter(it -> !it.silent && !expelled.contains(it.id()))
            .filter(it -> seatable.contains(it.id()) || isSeated(it.id()) || isCandidate(it))
            .toList();
    Turn next = new Turn(parts, kept, id, cause, restoring, distrusted);
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
    List<Published> published = new ArrayList<>(kept.checkpoints());
    List<Restore> gaps = new ArrayList<>(kept.gaps());
    if (ready.restored()) {
      long toStep = ready.continues().step();
      published.removeIf(it -> it.label().step() > toStep);
      gaps.add(new Restore(view.id(), toStep, reports.highestStep()));
      if (gaps.size() > RECORDED_RESTORES) {
        gaps.remove(0);
      }
    }
    // Before the write: the journal may keep it along with the view.
    lastCause = current.cause();
    write(new Kept(Optional.of(view), view.id(), published, gaps));
    reports = new Reports(kept.view());
    stalled = Optional.empty();
    reseat = Optional.empty();
    wishedSinceNanos = null;
    distrusted = false;
    entering.clear();
    losses.clear();
    knownDead.removeIf(it -> !isSeated(it));
    for (Seat seat : view.seats()) {
      roster.find(seat.memberId()).ifPresent(it -> install(it, view));
    }
    for (Member member : roster.byRank(kept.view())) {
      if (member.leaving) {
        release(member.id());
      }
    }
  }

  private void install(Member member, View view) {
    entering.put(member.id(), nanoTime.getAsLong() + nanos(settings.prepareMillis));
    orders.install(member.id(), view);
  }

  private final Set<String> released = new LinkedHashSet<>();

  private void release(String memberId) {
    if (released.add(memberId)) {
      orders.release(memberId);
    }
    released.removeIf(it -> !roster.has(it));
  }

  private void publish() {
    Optional<View> view = kept.view();
    Optional<Published> next =
        view.flatMap(it -> checkpoints.publishable(it, committedStep(), kept.checkpoints()));
    if (next.isPresent()) {
      List<Published> published = new ArrayList<>(kept.checkpoints());
      published.add(next.get());
      List<Published> pruned = Checkpoints.kept(published, view.orElseThrow().continues());
      write(new Kept(view, kept.reserved(), pruned, kept.gaps()));
    }
  }

  private void write(Kept next) {
    try {
      journal.write(next);
    } catch (RuntimeException e) {
      ended = true;
      turn = null;
      throw e;
    }
    kept = next;
  }

  private static long nanos(long millis) {
    return millis * 1_000_000;
  }
}
