package io.pulmo.model.view;

import io.pulmo.model.view.Roster.Member;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Why the record's view should be followed by another one, if it should. */
final class Needs {
  private final ViewRecord record;
  private final Roster roster;
  private final Patience patience;
  private final ViewLeader.Settings settings;
  private final long graceEndNanos;
  private final Map<String, String> losses = new HashMap<>();
  private final Map<String, Long> enterByNanos = new HashMap<>();
  private Optional<String> stalled = Optional.empty();
  private Optional<String> reseat = Optional.empty();
  private Optional<String> waits = Optional.empty();
  private @Nullable Long wishedSinceNanos;

  Needs(
      ViewRecord record, Roster roster, Patience patience, ViewLeader.Settings settings, long now) {
    this.record = record;
    this.roster = roster;
    this.patience = patience;
    this.settings = settings;
    long graceMillis = record.view().isPresent() ? settings.attachGraceMillis() : 0;
    graceEndNanos = now + graceMillis * 1_000_000;
  }

  void attached(String memberId) {
    losses.remove(memberId);
  }

  void lost(String memberId, String cause) {
    enterByNanos.remove(memberId);
    if (record.isSeated(memberId)) {
      losses.put(memberId, cause);
    }
  }

  void stalled(String why) {
    stalled = Optional.of(why);
  }

  void reseat(String why) {
    reseat = Optional.of(why);
  }

  /** A member has been told to enter the record's view. */
  void told(String memberId, long nowNanos) {
    enterByNanos.put(memberId, nowNanos + settings.prepareMillis() * 1_000_000);
  }

  void entered(String memberId) {
    enterByNanos.remove(memberId);
  }

  boolean isTold(String memberId) {
    return enterByNanos.containsKey(memberId);
  }

  /** A view has been written: everything is as it was wanted. */
  void settled() {
    losses.clear();
    enterByNanos.clear();
    stalled = Optional.empty();
    reseat = Optional.empty();
    wishedSinceNanos = null;
  }

  /** What is waited for before anything is wrong, for people. */
  Optional<String> waits() {
    return waits;
  }

  /** Whether all of the view's members have entered it and none has promised another. */
  boolean isWhole(View view) {
    return view.seats().stream()
        .allMatch(seat -> roster.find(seat.memberId()).filter(it -> it.isIn(view)).isPresent());
  }

  /** Why the ring of the record's view cannot go on as it is. */
  Optional<String> trouble(List<String> seatable, long now) {
    waits = Optional.empty();
    if (record.view().isEmpty()) {
      return Optional.empty();
    }
    View view = record.view().get();
    if (isGrace(view, now)) {
      return Optional.empty();
    }
    Optional<String> gone =
        view.seats().stream().map(this::gone).flatMap(Optional::stream).findFirst();
    if (gone.isPresent() || stalled.isPresent()) {
      return gone.or(() -> stalled);
    }
    for (Seat seat : view.seats()) {
      Member member = roster.find(seat.memberId()).orElseThrow();
      Long enterBy = enterByNanos.get(member.id());
      if (!member.isIn(view) && enterBy != null && enterBy - now > 0) {
        waits = Optional.of("waits until %s enters view %d".formatted(seat.name(), view.id()));
      } else if (!member.isIn(view)) {
        member.silent |= enterBy != null && member.promisedView <= view.id();
        return Optional.of(seat.name() + " is not in view " + view.id());
      } else if (!seatable.contains(member.id())) {
        return Optional.of(seat.name() + " cannot be reached by the others");
      }
    }
    return Optional.empty();
  }

  /**
   * Whether the view's members are still on their way to this leader, and nothing else is wrong.
   */
  private boolean isGrace(View view, long now) {
    List<Seat> awaited =
        view.seats().stream()
            .filter(it -> !roster.has(it.memberId()) && !patience.isDead(it.memberId()))
            .toList();
    if (awaited.isEmpty()
        || graceEndNanos - now <= 0
        || awaited.stream().anyMatch(it -> losses.containsKey(it.memberId()))) {
      return false;
    }
    waits = Optional.of("waits for " + awaited.get(0).name() + " to find the new leader");
    return true;
  }

  private Optional<String> gone(Seat seat) {
    Optional<Member> member = roster.find(seat.memberId());
    if (member.isEmpty()) {
      String why = losses.getOrDefault(seat.memberId(), "it has not come to the new leader");
      return Optional.of(seat.name() + " is lost: " + why);
    }
    return member.get().leaving ? Optional.of(seat.name() + " leaves") : Optional.empty();
  }

  /** Why another view would be better than the one that turns. */
  Optional<String> wish(List<String> seatable) {
    if (record.view().isEmpty()) {
      return Optional.of("the job starts");
    }
    if (!isWhole(record.view().get())) {
      return Optional.empty();
    }
    Optional<Member> joiner =
        seatable.stream().filter(it -> !record.isSeated(it)).findFirst().flatMap(roster::find);
    return joiner.isPresent() ? joiner.map(it -> it.name() + " joins") : reseat;
  }

  /** Whether a wish has been there for long enough to have the company of others. */
  boolean isRipe(List<String> seatable, long now) {
    if (wishedSinceNanos == null) {
      wishedSinceNanos = now;
    }
    boolean isComplete = record.view().isEmpty() && seatable.size() == settings.max();
    return isComplete || now - wishedSinceNanos >= settings.settleMillis() * 1_000_000;
  }

  void nothing() {
    wishedSinceNanos = null;
  }
}
