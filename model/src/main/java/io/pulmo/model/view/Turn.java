package io.pulmo.model.view;

import io.pulmo.model.view.MemberViews.Answer.Promised;
import io.pulmo.model.view.Roster.Member;
import io.pulmo.model.view.ViewJournal.Kept;
import io.pulmo.model.view.ViewJournal.Published;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One attempt at a view, from the promises to the point where all its members hold the state that
 * it continues. It writes nothing: what it ends in is the leader's to write.
 */
final class Turn {
  private static final int RESTORE_TRIES = 3;
  private static final long LONGEST_EXCLUSION_MILLIS = 30_000;

  /** Whether a turn without a candidate may go back to a checkpoint. */
  enum Restoring {
    NO,
    /** To the newest published only: somebody may still come with it. */
    NEWEST,
    /** To the newest that somebody has. */
    ANY
  }

  /** What an attempt has come to. */
  sealed interface Outcome {
    record Going() implements Outcome {}

    /** It is given up. */
    record Failed(String why) implements Outcome {}

    /** All of them hold the state. */
    record Ready(List<Seat> seats, Label continues, boolean restored) implements Outcome {}
  }

  private sealed interface Goal {
    record Existing(Holding holding) implements Goal {}

    record Checkpoint(Published published) implements Goal {}

    record Start() implements Goal {}
  }

  private final Parts parts;
  private final Kept kept;
  private final long id;
  private final Restoring restoring;
  private final boolean distrusted;
  private final Set<String> asked = new LinkedHashSet<>();
  private final Map<String, Promised> answers = new LinkedHashMap<>();
  private final Map<String, Copying> pending = new LinkedHashMap<>();
  private final Map<String, String> ready = new LinkedHashMap<>();
  private String cause;
  private List<Member> wanted = List.of();
  private @Nullable Goal goal;
  private long deadlineNanos;
  private Optional<String> failure = Optional.empty();
  private boolean startedOver;

  private static final class Copying {
    final Set<String> tried = new HashSet<>();
    String source = "";
    int tries = 1;
  }

  /**
   * An attempt whose id is reserved.
   *
   * @param distrusted true if no member's state may be gone on from
   */
  Turn(Parts parts, Kept kept, long id, String cause, Restoring restoring, boolean distrusted) {
    this.parts = parts;
    this.kept = kept;
    this.id = id;
    this.cause = cause;
    this.restoring = restoring;
    this.distrusted = distrusted;
  }

  long id() {
    return id;
  }

  String cause() {
    return cause;
  }

  boolean isRestoring() {
    return startedOver
        || goal instanceof Goal.Checkpoint
        || (goal instanceof Goal.Start && kept.view().isPresent());
  }

  /** Asks them for their promises. */
  void begin(List<Member> members, long nowNanos) {
    deadlineNanos = nowNanos + millis(parts.settings().prepareMillis());
    members.forEach(this::ask);
  }

  /** A member came while others are still being asked. */
  void came(Member member) {
    if (goal != null) {
      Copying copying = pending.get(member.id());
      if (copying != null) {
        failure = Optional.of(member.name() + " has attached again while it copied");
      }
    } else if (member.promisedView < id) {
      ask(member);
    }
  }

  private void ask(Member member) {
    asked.add(member.id());
    parts.orders().prepare(member.id(), id);
  }

  void promised(String memberId, Promised answer) {
    if (goal == null && (asked.contains(memberId) || parts.roster().has(memberId))) {
      asked.add(memberId);
      answers.putIfAbsent(memberId, answer);
    }
  }

  void lost(String memberId) {
    asked.remove(memberId);
    answers.remove(memberId);
    ready.remove(memberId);
    pending.remove(memberId);
    if (pending.values().stream().anyMatch(it -> it.source.equals(memberId))) {
      failure = Optional.of("a member was lost that others copied from");
    }
  }

  void refused(String memberId, long promisedView) {
    boolean isOpen =
        pending.containsKey(memberId)
            || (goal == null && asked.contains(memberId) && !answers.containsKey(memberId));
    if (isOpen && (promisedView > id || goal == null)) {
      failure = Optional.of("a member has promised view " + promisedView);
    } else if (isOpen) {
      failed(memberId, "refused");
    }
  }

  /** Gives it up for a better one. */
  void overtaken(String why) {
    failure = Optional.of(why);
  }

  void adopted(String memberId, Holding holding, long nowNanos) {
    if (!pending.containsKey(memberId)) {
      return;
    }
    boolean isRight =
        switch (goal) {
          case Goal.Existing it -> holding.equals(it.holding);
          case Goal.Checkpoint it ->
              holding.label().equals(it.published.label())
                  && holding.digest().equals(it.published.digest());
          case Goal.Start it -> holding.label().equals(Label.START);
          case null -> false;
        };
    if (!isRight) {
      adoptFailed(memberId, nowNanos);
      return;
    }
    pending.remove(memberId);
    ready.put(memberId, holding.digest());
    parts.roster().find(memberId).ifPresent(it -> it.failures = 0);
  }

  void adoptFailed(String memberId, long nowNanos) {
    Copying copying = pending.get(memberId);
    if (copying == null) {
      return;
    }
    switch (goal) {
      case Goal.Existing it -> {
        copying.tried.add(copying.source);
        if (!copy(memberId, copying, it.holding)) {
          excluded(memberId, nowNanos);
        }
      }
      case Goal.Checkpoint it -> {
        parts.checkpoints().doubted(memberId, it.published);
        List<Seat> holders = seats(parts.checkpoints().holders(it.published));
        if (holders.isEmpty() || copying.tries++ >= RESTORE_TRIES) {
          excluded(memberId, nowNanos);
        } else {
          parts.orders().restore(memberId, id, it.published, holders);
        }
      }
      case Goal.Start it -> excluded(memberId, nowNanos);
      case null -> {}
    }
  }

  private void failed(String memberId, String why) {
    pending.remove(memberId);
    failure = Optional.of(memberId + " " + why);
  }

  private void excluded(String memberId, long nowNanos) {
    pending.remove(memberId);
    parts.roster().find(memberId).ifPresent(it -> exclude(it, nowNanos));
  }

  private static void exclude(Member member, long nowNanos) {
    member.failures = Math.min(member.failures + 1, 16);
    member.notBeforeNanos =
        nowNanos + millis(Math.min(LONGEST_EXCLUSION_MILLIS, 500L << member.failures));
  }

  /** Takes it as far as the answers allow. */
  Outcome proceed(long nowNanos) {
    if (failure.isPresent()) {
      return new Outcome.Failed(failure.get());
    }
    boolean isLate = deadlineNanos - nowNanos <= 0;
    if (goal == null) {
      if (!isLate && !answers.keySet().containsAll(asked)) {
        return new Outcome.Going();
      }
      asked.stream()
          .filter(it -> !answers.containsKey(it))
          .forEach(it -> parts.roster().find(it).ifPresent(member -> member.silent = true));
      Optional<Outcome> end = choose(nowNanos);
      if (end.isPresent()) {
        return end.get();
      }
      isLate = false;
    }
    if (isLate) {
      for (String memberId : List.copyOf(pending.keySet())) {
        excluded(memberId, nowNanos);
      }
    }
    if (!pending.isEmpty()) {
      return new Outcome.Going();
    }
    if (goal instanceof Goal.Start && !settleStart()) {
      return new Outcome.Going();
    }
    return ready();
  }

  private Optional<Outcome> choose(long nowNanos) {
    List<Member> answered =
        parts.roster().byRank(kept.view()).stream()
            .filter(it -> answers.containsKey(it.id()))
            .toList();
    Choice.Result result = new Choice.Result.None();
    if (kept.view().isPresent() && !distrusted) {
      Map<String, Promised> trusted = new LinkedHashMap<>(answers);
      trusted.keySet().removeAll(parts.expelled());
      result = parts.choice().choose(kept, trusted);
    }
    Restoring back = restoring;
    switch (result) {
      case Choice.Result.Found found -> {
        goal = new Goal.Existing(found.holding());
        found.holders().forEach(it -> ready.put(it, found.holding().digest()));
        found.differing().forEach((member, digest) -> expel(member, digest, found.holding()));
      }
      case Choice.Result.Tie tie -> {
        cause += "; nobody knows whose state is right at " + tie.label() + ": " + tie.digests();
        back = Restoring.ANY;
      }
      case Choice.Result.None none -> {}
    }
    if (goal == null && kept.checkpoints().isEmpty()) {
      if (kept.view().isPresent() && back == Restoring.NO) {
        return Optional.of(new Outcome.Failed("nobody holds a state of the view before"));
      }
      goal = new Goal.Start();
    } else if (goal == null) {
      Optional<Published> target = restorable(kept.checkpoints(), parts.checkpoints(), back);
      if (target.isEmpty()) {
        return Optional.of(new Outcome.Failed("nobody holds a state, or has the checkpoint"));
      }
      goal = new Goal.Checkpoint(target.get());
    }
    wanted = seatable(answered.stream().filter(it -> parts.isEligible(it, nowNanos)).toList());
    if (wanted.size() < parts.settings().min()) {
      return Optional.of(new Outcome.Failed("too few have answered: " + wanted.size()));
    }
    deadlineNanos = nowNanos + millis(parts.settings().copyMillis());
    for (Member member : wanted) {
      if (!ready.containsKey(member.id())) {
        order(member.id());
      }
    }
    return Optional.empty();
  }

  private List<Member> seatable(List<Member> members) {
    List<String> ids = members.stream().limit(parts.settings().max()).map(Member::id).toList();
    List<String> seatable = parts.links().seatable(ids, parts.settings().min());
    return members.stream().filter(it -> seatable.contains(it.id())).toList();
  }

  private void expel(String memberId, String digest, Holding right) {
    parts.expelled().add(memberId);
    String name = parts.roster().find(memberId).map(Member::name).orElse(memberId);
    cause +=
        "; %s leaves: its state at %s has digest %s, the others' %s"
            .formatted(name, right.label(), digest, right.digest());
  }

  /** What a job without a state may go back to now. */
  static Optional<Published> restorable(
      List<Published> published, Checkpoints checkpoints, Restoring restoring) {
    if (published.isEmpty() || restoring == Restoring.NO) {
      return Optional.empty();
    }
    return restoring == Restoring.ANY
        ? checkpoints.newestHeld(published)
        : checkpoints.newestHeld(List.of(published.getLast()));
  }

  private void order(String memberId) {
    Copying copying = new Copying();
    pending.put(memberId, copying);
    switch (goal) {
      case Goal.Existing it -> {
        if (!copy(memberId, copying, it.holding)) {
          failed(memberId, "has nobody to copy from");
        }
      }
      case Goal.Checkpoint it ->
          parts
              .orders()
              .restore(
                  memberId, id, it.published, seats(parts.checkpoints().holders(it.published)));
      case Goal.Start it -> parts.orders().start(memberId, id);
      case null -> {}
    }
  }

  /** Has it copied from the holder that the fewest copy from; false if there is none left. */
  private boolean copy(String memberId, Copying copying, Holding what) {
    String best = null;
    long least = Long.MAX_VALUE;
    for (String holder : ready.keySet()) {
      long load = pending.values().stream().filter(it -> it.source.equals(holder)).count();
      if (!copying.tried.contains(holder) && parts.roster().has(holder) && load < least) {
        least = load;
        best = holder;
      }
    }
    if (best == null) {
      return false;
    }
    copying.source = best;
    parts.orders().copy(memberId, id, what, seats(List.of(best)).get(0));
    return true;
  }

  private List<Seat> seats(List<String> memberIds) {
    List<Seat> seats = new ArrayList<>();
    for (String memberId : memberIds) {
      parts.roster().find(memberId).ifPresent(it -> seats.add(it.applicant.seat(0, 1)));
    }
    return seats;
  }

  /**
   * Whether all that made the first state made the same; those that did not are told to copy it.
   */
  private boolean settleStart() {
    Map<String, String> made = new LinkedHashMap<>(ready);
    if (made.isEmpty()) {
      return true;
    }
    String right = Choice.mostHeld(made).orElse(made.values().iterator().next());
    Holding start = new Holding(Label.START, right);
    ready.values().removeIf(digest -> !digest.equals(right));
    startedOver = isRestoring();
    goal = new Goal.Existing(start);
    made.forEach(
        (member, digest) -> {
          if (!digest.equals(right)) {
            cause +=
                "; %s began with digest %s, the others with %s".formatted(member, digest, right);
            order(member);
          }
        });
    return pending.isEmpty();
  }

  private Outcome ready() {
    List<Applicant> applicants =
        wanted.stream()
            .filter(it -> ready.containsKey(it.id()) && parts.roster().has(it.id()))
            .filter(it -> !it.leaving && !parts.expelled().contains(it.id()))
            .map(it -> it.applicant)
            .toList();
    if (applicants.size() < parts.settings().min()) {
      return new Outcome.Failed("too few hold the state: " + applicants.size());
    }
    List<Seat> seats = parts.links().arranged(parts.planner().plan(applicants));
    Label continues =
        switch (goal) {
          case Goal.Existing it -> it.holding.label();
          case Goal.Checkpoint it -> it.published.label();
          case Goal.Start it -> Label.START;
          case null -> throw new IllegalStateException("nothing was chosen for view " + id);
        };
    return new Outcome.Ready(seats, continues, isRestoring());
  }

  /** What it waits for, for people. */
  String status() {
    Set<String> waited = new LinkedHashSet<>(goal == null ? asked : pending.keySet());
    waited.removeAll(answers.keySet().stream().filter(it -> goal == null).toList());
    String names =
        String.join(
            ", ",
            waited.stream()
                .map(it -> parts.roster().find(it).map(Member::name).orElse(it))
                .toList());
    return goal == null
        ? "changes to view %d: waits for the promise of %s".formatted(id, names)
        : "changes to view %d: %s take over the state".formatted(id, names);
  }

  private static long millis(long value) {
    return value * 1_000_000;
  }
}
