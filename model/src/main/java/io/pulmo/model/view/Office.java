package io.pulmo.model.view;

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

/** What a leader knows, and what it does about it after each event. */
final class Office {
  private static final long FIRST_DELAY_MILLIS = 250;
  private static final long LONGEST_DELAY_MILLIS = 8_000;

  final long leaderEpoch;
  private final ViewLeader.Settings settings;
  private final ViewLeader.Orders orders;
  final LongSupplier nanoTime;
  final ViewRecord record;
  final Roster roster = new Roster();
  final Links links;
  final Checkpoints checkpoints;
  private final Choice choice;
  final Patience patience;
  final Needs needs;
  private final Set<String> expelled = new HashSet<>();
  private final Set<String> released = new HashSet<>();
  private final Parts parts;
  Reports reports;
  @Nullable Turn turn;
  Optional<String> superseded = Optional.empty();
  String lastCause = "";
  String waiting = "";
  private long highestPromise;
  private int barrenTurns;
  private long nextTurnNanos;

  Office(
      ViewRecord record,
      long leaderEpoch,
      ViewLeader.Settings settings,
      ViewLeader.Planner planner,
      ViewLeader.Orders orders,
      LongSupplier nanoTime,
      Choice choice,
      Checkpoints checkpoints) {
    this.leaderEpoch = leaderEpoch;
    this.settings = settings;
    this.orders = orders;
    this.record = record;
    this.nanoTime = nanoTime;
    this.choice = choice;
    this.checkpoints = checkpoints;
    long now = nanoTime.getAsLong();
    links = new Links(nanos(settings.patienceMillis()));
    patience = new Patience(nanos(settings.patienceMillis()));
    needs = new Needs(record, roster, patience, settings, now);
    parts = new Parts(settings, planner, orders, roster, links, checkpoints, choice, expelled);
    reports = new Reports(record.view());
    nextTurnNanos = now;
  }

  /** It is here anew, or gone: an order that it was given may have been lost. */
  void forgetOrders(String memberId) {
    released.remove(memberId);
  }

  boolean isOver() {
    return superseded.isPresent() || record.hasFailed();
  }

  void heard(Member member, long promisedView) {
    member.promisedView = Math.max(member.promisedView, promisedView);
    highestPromise = Math.max(highestPromise, promisedView);
  }

  void reported(Member member, Label label, Optional<String> digest) {
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

  boolean isCandidate(Member member) {
    Label label = member.label;
    return label != null
        && !patience.isDistrusted()
        && !member.silent
        && !expelled.contains(member.id())
        && record.view().isPresent()
        && choice.isCandidate(record.kept(), member.id(), label, member.enteredView);
  }

  /** Goes on with a view that is being made, publishes, or begins a new view if one is needed. */
  void decide() {
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
    roster.byRank(record.view()).stream()
        .filter(it -> it.leaving && !record.isSeated(it.id()))
        .map(Member::id)
        .forEach(this::release);
    expelled.stream().filter(roster::has).toList().forEach(this::release);
    considerTurn(now);
  }

  private void considerTurn(long now) {
    List<Member> ranked = roster.byRank(record.view());
    List<String> eligible =
        ranked.stream()
            .filter(it -> parts.isEligible(it, now))
            .limit(settings.max())
            .map(Member::id)
            .toList();
    List<String> seatable = links.seatable(eligible, settings.min());
    patience.note(record.view().isEmpty() || ranked.stream().anyMatch(this::isCandidate), now);
    Optional<String> urgent = needs.trouble(seatable, now);
    Optional<String> cause = urgent.or(() -> needs.wish(seatable));
    waiting = needs.waits().orElse("");
    if (cause.isEmpty()) {
      needs.nothing();
      return;
    }
    if (seatable.size() < settings.min()) {
      waiting = "waits for workers: " + seatable.size() + " of " + settings.min();
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
      // A view that goes back may leave checkpoints behind that are published no more.
      keep(seat.memberId());
      roster.find(seat.memberId()).ifPresent(it -> install(it, view));
    }
  }

  void install(Member member, View view) {
    needs.told(member.id(), nanoTime.getAsLong());
    orders.install(member.id(), view);
  }

  private void release(String memberId) {
    if (released.add(memberId)) {
      orders.release(memberId);
    }
  }

  private void publish() {
    record
        .view()
        .flatMap(
            it -> checkpoints.publishable(it, reports.committedStep(), record.kept().checkpoints()))
        .ifPresent(
            it -> {
              record.publish(it);
              roster.byRank(record.view()).forEach(member -> keep(member.id()));
            });
  }

  /** A member has a checkpoint on its disk. */
  void held(String memberId, Published checkpoint) {
    checkpoints.held(memberId, checkpoint, record.kept().checkpoints());
  }

  /** Tells a member which files must stay. */
  void keep(String memberId) {
    orders.keep(memberId, record.kept().checkpoints());
  }

  private static long nanos(long millis) {
    return millis * 1_000_000;
  }
}
