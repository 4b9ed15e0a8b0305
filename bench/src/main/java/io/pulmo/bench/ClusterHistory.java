package io.pulmo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.pulmo.bench.ClusterEvent.Action;
import io.pulmo.bench.ClusterEvent.Begin;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the events of a cluster of processes tell: who ran when, what was done to whom, which views
 * were entered, and which steps their members took.
 */
final class ClusterHistory {
  private static final int MOST_PROCESSES = 100_000;
  private static final int MOST_VIEWS = 1_000_000;

  /** A process. */
  static final class Child {
    private final String name;
    private final long pid;
    private final long startTicks;
    private final long startedAt;
    private final List<Act> acts = new ArrayList<>();
    private long endedAt = Long.MAX_VALUE;
    private @Nullable String member;

    private Child(ClusterEvent.Started started) {
      name = started.name();
      pid = started.pid();
      startTicks = started.startTicks();
      startedAt = started.t();
    }

    /** Its role and place. */
    String name() {
      return name;
    }

    long pid() {
      return pid;
    }

    /** What was done to it, in order. */
    List<Act> acts() {
      return acts;
    }

    /** The member that it is, once it has said something. */
    Optional<String> member() {
      return Optional.ofNullable(member);
    }

    boolean isWorker() {
      return name.startsWith("worker");
    }

    boolean isCoordinator() {
      return name.startsWith("coordinator");
    }

    /** Whether it ended before an instant although nobody had told it to. */
    boolean endedByItself(long before) {
      return endedAt < before
          && acts.stream()
              .noneMatch(act -> act.action() == Action.KILL || act.action() == Action.TERM);
    }

    /** Whether it had started and not ended, nor been killed. */
    boolean runs(long t) {
      return startedAt <= t
          && endedAt > t
          && acts.stream().noneMatch(act -> act.action() == Action.KILL && act.t() <= t);
    }

    /** Since when it had been stopped or cut off at an instant, if it was. */
    OptionalLong troubledSince(long t) {
      long stopped = Long.MAX_VALUE;
      long cut = Long.MAX_VALUE;
      for (Act act : acts) {
        if (act.t() <= t) {
          switch (act.action()) {
            case STOP -> stopped = act.t();
            case CONT -> stopped = Long.MAX_VALUE;
            case CUT -> cut = act.t();
            case MEND -> cut = Long.MAX_VALUE;
            case KILL, TERM, SLOW, FREE -> {}
          }
        }
      }
      long since = Math.min(stopped, cut);
      return since == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(since);
    }

    /**
     * Whether something was done to it in a span of time that may put it out, or had been and was
     * not over; being slow may not.
     */
    boolean isTouched(long from, long to) {
      return !runs(to)
          || troubledSince(from).isPresent()
          || acts.stream()
              .filter(act -> act.action() != Action.SLOW && act.action() != Action.FREE)
              .anyMatch(act -> act.t() >= from && act.t() <= to);
    }
  }

  /** What was done to a process, and when. */
  record Act(long t, Action action) {}

  /**
   * A member's report of a step: which positions of the epoch's order it computed.
   *
   * @param summed samples in the sum that it took from the ring
   * @param ownMillis of its step without the ring: images, gradient and optimizer
   */
  record Part(long t, long epoch, long from, long to, long summed, double ownMillis) {
    /** Checks the range. */
    Part {
      if (epoch < 0 || from < 0 || to < from || summed < to - from) {
        throw new IllegalArgumentException(
            "positions %d to %d of epoch %d in a sum of %d samples"
                .formatted(from, to, epoch, summed));
      }
    }
  }

  /**
   * A view, as its members told when they entered it.
   *
   * @param leaderEpoch of the leader that wrote it
   * @param continuesView the view of the state that it goes on from, 0 for the start
   * @param continuesStep the steps of that state
   * @param shares by member, in the order of ranks
   * @param entered when each member said that it had
   * @param steps what each member reported, by the number of the step, from 1
   */
  record SeenView(
      long id,
      long leaderEpoch,
      long continuesView,
      long continuesStep,
      SequencedMap<String, Integer> shares,
      Map<String, Long> entered,
      TreeMap<Long, Map<String, Part>> steps) {
    /** When the last of its members reported a step, if all have. */
    OptionalLong committedAt(long step) {
      Map<String, Part> parts = steps.get(step);
      if (parts == null || parts.size() < shares.size()) {
        return OptionalLong.empty();
      }
      return OptionalLong.of(parts.values().stream().mapToLong(Part::t).max().orElseThrow());
    }

    /** When the first of its members said that it had entered. */
    long firstEnteredAt() {
      return entered.values().stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
    }
  }

  /**
   * What one job went through.
   *
   * @param views by their ids
   * @param digests by label and member
   */
  record SeenJob(
      ClusterEvent.Job submitted,
      TreeMap<Long, SeenView> views,
      Map<LabelSeen, Map<String, String>> digests) {}

  /** Which state. */
  record LabelSeen(long view, long step) {}

  /** A coordinator took office. */
  record Lead(long t, long epoch, String name, long pid) {}

  /**
   * A coordinator told of a happening of its office.
   *
   * @param member whom it befell, empty for none
   * @param cause in words, empty for none
   */
  record Office(long t, String kind, long epoch, String name, String member, String cause) {}

  /**
   * A member told that it turns to, or is done with, validating or exporting.
   *
   * @param kind as it said it
   */
  record Turn(long t, String kind, String job, String member, long step) {}

  /** A stretch of time. */
  record Span(ClusterEvent.Weather weather, long from, long to) {}

  private @Nullable Begin begin;
  private final Map<Long, Child> byPid = new HashMap<>();
  private final List<Child> children = new ArrayList<>();
  private final Map<String, Child> byMember = new HashMap<>();
  private final SequencedMap<String, SeenJob> jobs = new LinkedHashMap<>();
  private final List<ClusterEvent.JobEnded> ended = new ArrayList<>();
  private final List<Lead> leads = new ArrayList<>();
  private final List<Office> offices = new ArrayList<>();
  private final List<Span> spans = new ArrayList<>();
  private final Map<ClusterEvent.Weather, Long> begun = new HashMap<>();
  private final List<ClusterEvent.Aimed> aimed = new ArrayList<>();
  private final List<Turn> turns = new ArrayList<>();
  private final List<Child> changed = new ArrayList<>();
  private long lastAt;

  /** Takes the next event; throws {@link IllegalArgumentException} if it cannot be. */
  void take(ClusterEvent event) {
    if (event instanceof Begin first) {
      require(begin == null, "a second beginning");
      begin = first;
      return;
    }
    require(begin != null, "the first event is no beginning");
    switch (event) {
      case Begin first -> throw new IllegalStateException("handled above: " + first);
      case ClusterEvent.Started started -> {
        at(started.t());
        require(children.size() < MOST_PROCESSES, "more than " + MOST_PROCESSES + " processes");
        Child child = new Child(started);
        Child before = byPid.put(started.pid(), child);
        require(before == null || before.endedAt <= started.t(), "a pid that runs already");
        children.add(child);
      }
      case ClusterEvent.Alive alive -> {
        at(alive.t());
        Child child = child(alive.pid(), alive.name());
        if (child.startTicks != alive.startTicks() && !changed.contains(child)) {
          changed.add(child);
        }
      }
      case ClusterEvent.Ended end -> {
        at(end.t());
        child(end.pid(), end.name()).endedAt = end.t();
      }
      case ClusterEvent.Did did -> {
        at(did.t());
        child(did.pid(), did.name()).acts.add(new Act(did.t(), did.action()));
      }
      case ClusterEvent.Said said -> {
        at(said.t());
        said(said, child(said.pid(), said.name()));
      }
      case ClusterEvent.Phase phase -> {
        at(phase.t());
        if (phase.begins()) {
          require(begun.put(phase.weather(), phase.t()) == null, "it has begun already");
        } else {
          Long from = begun.remove(phase.weather());
          if (from == null) {
            throw new IllegalArgumentException("the end of what has not begun");
          }
          spans.add(new Span(phase.weather(), from, phase.t()));
        }
      }
      case ClusterEvent.Job job -> {
        at(job.t());
        require(
            jobs.putIfAbsent(job.job(), new SeenJob(job, new TreeMap<>(), new HashMap<>())) == null,
            "a job that was submitted before");
      }
      case ClusterEvent.JobEnded end -> {
        at(end.t());
        require(jobs.containsKey(end.job()), "the end of a job that was not submitted");
        ended.add(end);
      }
      case ClusterEvent.Aimed aim -> {
        at(aim.t());
        aimed.add(aim);
      }
      case ClusterEvent.Rounds rounds -> {
        // Of the bench of training, which looks at no views.
      }
      case ClusterEvent.PeerStep step -> {
        // As above.
      }
    }
  }

  private void at(long t) {
    require(t >= 0, "t is " + t + ", expected 0 at least");
    lastAt = Math.max(lastAt, t);
  }

  private static void require(boolean so, String otherwise) {
    if (!so) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  private Child child(long pid, String name) {
    Child child = byPid.get(pid);
    if (child == null || !child.name.equals(name)) {
      throw new IllegalArgumentException("process " + pid + " is no " + name);
    }
    return child;
  }

  private void said(ClusterEvent.Said event, Child child) {
    JsonNode said = event.said();
    String kind = said.path("kind").asText();
    if (child.isCoordinator()) {
      long epoch = said.path("epoch").asLong();
      offices.add(
          new Office(
              event.t(),
              kind,
              epoch,
              child.name,
              said.path("member").asText(),
              said.path("cause").asText()));
      if (kind.equals("lead")) {
        leads.add(new Lead(event.t(), epoch, child.name, child.pid));
      }
      return;
    }
    String member = said.path("member").asText();
    if (member.isEmpty()) {
      return;
    }
    if (child.member == null) {
      child.member = member;
    } else if (!child.member.equals(member) && !changed.contains(child)) {
      changed.add(child);
    }
    byMember.putIfAbsent(member, child);
    SeenJob job = jobs.get(said.path("job").asText());
    if (job == null) {
      return;
    }
    switch (kind) {
      case "view" -> entered(event.t(), said, member, job);
      case "step" -> stepped(event.t(), said, member, job);
      case "validate", "validated", "export" ->
          turns.add(
              new Turn(event.t(), kind, job.submitted.job(), member, said.path("step").asLong()));
      default -> {
        // The others are for people.
      }
    }
    String digest = said.path("digest").asText();
    if (!digest.isEmpty()) {
      job.digests
          .computeIfAbsent(
              new LabelSeen(said.path("view").asLong(), said.path("step").asLong()),
              label -> new LinkedHashMap<>())
          .put(member, digest);
    }
  }

  private static void entered(long t, JsonNode said, String member, SeenJob job) {
    long id = said.path("view").asLong();
    require(id > 0 && job.views.size() < MOST_VIEWS, "view " + id + ": expected 1 and more");
    SequencedMap<String, Integer> shares = new LinkedHashMap<>();
    said.path("members")
        .forEach(seat -> shares.put(seat.path("member").asText(), seat.path("share").asInt()));
    require(shares.containsKey(member), "a view without the member that entered it");
    SeenView view =
        new SeenView(
            id,
            said.path("leader_epoch").asLong(),
            said.path("continues_view").asLong(),
            said.path("step").asLong(),
            shares,
            new HashMap<>(),
            new TreeMap<>());
    SeenView known = job.views.putIfAbsent(id, view);
    if (known != null) {
      require(
          known.continuesView == view.continuesView
              && known.continuesStep == view.continuesStep
              && List.copyOf(known.shares.entrySet()).equals(List.copyOf(shares.entrySet())),
          "view " + id + " is not what another member says it is");
      view = known;
    }
    view.entered.putIfAbsent(member, t);
  }

  private static void stepped(long t, JsonNode said, String member, SeenJob job) {
    SeenView view = job.views.get(said.path("view").asLong());
    require(view != null && view.entered.containsKey(member), "a step in a view not entered");
    long step = said.path("step").asLong();
    Map<String, Part> parts =
        java.util.Objects.requireNonNull(view)
            .steps
            .computeIfAbsent(step, number -> new HashMap<>());
    require(
        parts.put(
                member,
                new Part(
                    t,
                    said.path("epoch").asLong(),
                    said.path("from").asLong(),
                    said.path("to").asLong(),
                    said.path("summed").asLong(),
                    ownMillis(said.path("ms"))))
            == null,
        "step " + step + " of view " + view.id + ", told twice by " + member);
  }

  private static double ownMillis(JsonNode millis) {
    return millis.path("data").asDouble()
        + millis.path("compute").asDouble()
        + millis.path("apply").asDouble();
  }

  /** Under what it ran. */
  Begin begin() {
    Begin known = begin;
    if (known == null) {
      throw new IllegalArgumentException("it is empty");
    }
    return known;
  }

  /** Every process that there was. */
  List<Child> children() {
    return children;
  }

  /** The process of a member. */
  Optional<Child> childOf(String member) {
    return Optional.ofNullable(byMember.get(member));
  }

  /** The jobs by their ids, in the order of submission. */
  SequencedMap<String, SeenJob> jobs() {
    return jobs;
  }

  /** How jobs ended. */
  List<ClusterEvent.JobEnded> ended() {
    return ended;
  }

  /** At what losses were aimed, in order. */
  List<ClusterEvent.Aimed> aimed() {
    return aimed;
  }

  /** When members turned to judging and exporting, in order. */
  List<Turn> turns() {
    return turns;
  }

  /** Who took office, in order. */
  List<Lead> leads() {
    return leads;
  }

  /** What coordinators told, in order. */
  List<Office> offices() {
    return offices;
  }

  /** What lasted and is over. */
  List<Span> spans() {
    return spans;
  }

  /** When something began that is not over. */
  OptionalLong begun(ClusterEvent.Weather weather) {
    Long from = begun.get(weather);
    return from == null ? OptionalLong.empty() : OptionalLong.of(from);
  }

  /** Processes that became another, by pid and beginning or by the member that they are. */
  List<Child> changed() {
    return changed;
  }

  /** The last event's time. */
  long lastAt() {
    return lastAt;
  }
}
