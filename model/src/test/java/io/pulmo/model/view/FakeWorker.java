package io.pulmo.model.view;

import io.pulmo.model.view.Lineage.Part;
import io.pulmo.model.view.Lineage.State;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.ViewJournal.Published;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A worker's process: the real {@link MemberViews}, and a training thread made of events. */
final class FakeWorker extends FakeProcess {
  private static final long WAITS_NANOS = 400_000_000L;
  private static final long ALONE_NANOS = 10_000_000_000L;

  /** A state folder, which outlives the process. */
  static final class Disk {
    final Map<String, Saved> checkpoints = new LinkedHashMap<>();
    String lastMemberId = "";
  }

  /** A checkpoint's file. */
  record Saved(Published published, State state, boolean isCorrupt) {}

  final String memberId;
  final Disk disk;
  private final Schedule schedule;
  private final MemberViews views;
  private final String replaces;
  private State state = State.START;
  private @Nullable FakeStream stream;
  private @Nullable FakeRing ring;
  private boolean ready;
  private boolean leaving;
  private boolean lostSum;
  private boolean waits;
  private long waitsSinceNanos;
  private long aloneSinceNanos;
  private long nextAttachNanos;
  private String stalledBecause = "";
  private String culprit = "";
  private int copies;
  private List<Published> kept = List.of();

  FakeWorker(Schedule schedule, String memberId, Disk disk, String replaces) {
    this.schedule = schedule;
    this.memberId = memberId;
    this.disk = disk;
    this.replaces = replaces;
    views = new MemberViews(() -> state.digest, !schedule.rules.goesOnAfterPromise());
    aloneSinceNanos = schedule.now();
  }

  /** Whether it holds what the record's view could be continued from. */
  boolean holdsCandidate(ViewJournal.Kept record) {
    return views
        .label()
        .filter(it -> new Choice().isCandidate(record, memberId, it, views.enteredView()))
        .isPresent();
  }

  boolean isIn(long view) {
    return alive && views.isIn(view);
  }

  @Override
  void die() {
    super.die();
    FakeStream current = stream;
    if (current != null) {
      current.breakDown();
    }
  }

  void tick(boolean beats) {
    FakeStream current = stream;
    if (current != null) {
      current.checkAtWorker();
      if (beats) {
        current.toCoordinator(it -> {});
      }
    } else if (leaving && schedule.now() - aloneSinceNanos > ALONE_NANOS) {
      schedule.trace("%s leaves without a leader", memberId);
      die();
    } else if (schedule.now() >= nextAttachNanos) {
      attach();
    }
    watchRing();
  }

  private void attach() {
    nextAttachNanos = schedule.now() + schedule.millis(50, 500);
    FakeCoordinator leader = schedule.findLeader();
    if (leader != null) {
      FakeStream fresh = new FakeStream(schedule, this, leader);
      stream = fresh;
      fresh.toCoordinator(it -> it.hello(fresh, replaces));
    }
  }

  void detached(FakeStream old) {
    if (stream == old) {
      stream = null;
      aloneSinceNanos = schedule.now();
    }
  }

  void breakStream() {
    FakeStream current = stream;
    if (current != null) {
      current.breakDown();
    }
  }

  void heartbeat(long epoch) {
    views.heard(epoch);
  }

  void welcome(FakeStream on, long epoch) {
    if (!views.heard(epoch)) {
      on.closeAtWorker();
    } else if (ready) {
      enlist(on);
    } else {
      schedule.in(
          schedule.millis(100, 3000),
          () ->
              receive(
                  () -> {
                    ready = true;
                    enlist(on);
                  }));
    }
  }

  private void enlist(FakeStream on) {
    if (stream != on) {
      return;
    }
    Optional<Holding> holding = views.holding();
    long entered = views.enteredView();
    long promised = views.promisedView();
    List<Published> onDisk =
        disk.checkpoints.values().stream().map(Saved::published).toList().reversed();
    on.toCoordinator(it -> it.enlisted(applicant(), holding, entered, promised, onDisk));
    if (leaving) {
      on.toCoordinator(it -> it.leaving(memberId));
    }
    FakeRing current = ring;
    if (current != null && !stalledBecause.isEmpty()) {
      stall(stalledBecause, culprit);
    }
    if (current != null && state.steps == schedule.stepCount) {
      reportEnd();
    }
  }

  private Applicant applicant() {
    return new Applicant(memberId, memberId, memberId + ":1", "host", 2);
  }

  void leave() {
    leaving = true;
    FakeStream current = stream;
    if (current != null) {
      current.toCoordinator(it -> it.leaving(memberId));
    }
  }

  void released() {
    schedule.trace("%s is released", memberId);
    die();
  }

  private void answer(long view, Answer answer) {
    FakeStream current = stream;
    if (current != null) {
      current.toCoordinator(it -> it.answered(memberId, view, answer));
    }
  }

  void prepare(long epoch, long view) {
    Answer answer = views.prepare(epoch, view);
    if (answer instanceof Answer.Promised) {
      copies++;
    }
    answer(view, answer);
  }

  void copy(long epoch, long view, Holding what, Seat from) {
    int mine = ++copies;
    FakeWorker source = schedule.worker(from.memberId());
    schedule.in(
        schedule.millis(5, 200),
        () ->
            receive(
                () -> {
                  if (copies != mine || source.paused) {
                    return;
                  }
                  boolean isThere =
                      source.alive
                          && !schedule.isCut(memberId, source.memberId)
                          && source.views.holding().filter(what::equals).isPresent();
                  if (!isThere || schedule.chance(schedule.failedCopies)) {
                    adoptFailed(view, "the copy broke off");
                    return;
                  }
                  State copied = source.state;
                  schedule.in(
                      schedule.millis(5, 300),
                      () -> receive(() -> adopt(epoch, view, what, copied, mine)));
                }));
  }

  void restore(long epoch, long view, Published what, List<Seat> holders) {
    int mine = ++copies;
    schedule.in(
        schedule.millis(20, 500),
        () ->
            receive(
                () -> {
                  if (copies != mine) {
                    return;
                  }
                  Optional<State> found = saved(what.sha256());
                  for (Seat holder : holders) {
                    FakeWorker other = schedule.worker(holder.memberId());
                    if (found.isEmpty()
                        && other.alive
                        && !other.paused
                        && !schedule.isCut(memberId, other.memberId)) {
                      found = other.saved(what.sha256());
                    }
                  }
                  if (found.isEmpty() || schedule.chance(schedule.failedCopies)) {
                    adoptFailed(view, "no good copy of the checkpoint");
                  } else {
                    Holding holding = new Holding(what.label(), what.digest());
                    adopt(epoch, view, holding, found.get(), mine);
                  }
                }));
  }

  private Optional<State> saved(String sha256) {
    return Optional.ofNullable(disk.checkpoints.get(sha256))
        .filter(it -> !it.isCorrupt())
        .map(Saved::state);
  }

  void start(long epoch, long view) {
    int mine = ++copies;
    schedule.in(
        schedule.millis(5, 100),
        () ->
            receive(
                () ->
                    adopt(
                        epoch,
                        view,
                        new Holding(Label.START, State.START.digest),
                        State.START,
                        mine)));
  }

  private void adopt(long epoch, long view, Holding what, State adopted, int mine) {
    if (copies != mine) {
      return;
    }
    if (!adopted.digest.equals(what.digest())) {
      adoptFailed(view, "the digest differs");
      return;
    }
    Answer answer = views.adopt(epoch, view, what.label(), () -> state = adopted);
    if (answer instanceof Answer.Done) {
      schedule.lineage().held(memberId, what.label(), state);
      FakeStream current = stream;
      if (current != null) {
        current.toCoordinator(it -> it.adopted(memberId, view, what));
      }
    } else {
      answer(view, answer);
    }
  }

  private void adoptFailed(long view, String error) {
    FakeStream current = stream;
    if (current != null) {
      current.toCoordinator(it -> it.adoptFailed(memberId, view, error));
    }
  }

  void install(long epoch, View view) {
    Answer answer = views.install(epoch, view);
    FakeRing before = ring;
    if (answer instanceof Answer.Done && (before == null || before.view.id() != view.id())) {
      ring = schedule.ring(view);
      waits = false;
      lostSum = false;
      stalledBecause = "";
      culprit = "";
      schedule.lineage().held(memberId, views.label().orElseThrow(), state);
      compute();
    }
    answer(view.id(), answer);
  }

  private void compute() {
    FakeRing current = ring;
    if (current == null) {
      return;
    }
    if (state.steps == schedule.stepCount) {
      reportEnd();
      return;
    }
    schedule.in(
        schedule.computeNanos(),
        () ->
            receive(
                () -> {
                  if (ring == current && views.isIn(current.view.id())) {
                    waits = true;
                    waitsSinceNanos = schedule.now();
                    current.contribute(memberId, state.steps, state.digest, part(current.view));
                  }
                }));
  }

  /** Its own part of the step, which follows from its own state's cursor and the shares. */
  private Part part(View view) {
    int total = view.seats().stream().mapToInt(Seat::share).sum();
    int before = 0;
    for (Seat seat : view.seats()) {
      if (seat.memberId().equals(memberId)) {
        long from = state.cursor + (long) Lineage.BATCH * before / total;
        long to = state.cursor + (long) Lineage.BATCH * (before + seat.share()) / total;
        return new Part(memberId, from, to);
      }
      before += seat.share();
    }
    throw schedule.broken("%s has no seat in %s", memberId, view);
  }

  void summed(FakeRing of, long step, List<Part> sum) {
    if (ring != of || state.steps != step || !waits) {
      return;
    }
    if (of.obstacle(memberId).isPresent() && schedule.chance(0.5)) {
      lostSum = true;
      return;
    }
    Optional<Label> label = views.step(of.view.id(), () -> state = state.after(of.view.id(), sum));
    if (label.isEmpty()) {
      return;
    }
    waits = false;
    schedule.lineage().held(memberId, label.get(), state);
    FakeStream current = stream;
    if (current != null) {
      Optional<String> digest = state.steps % 5 == 0 ? Optional.of(state.digest) : Optional.empty();
      current.toCoordinator(it -> it.stepped(memberId, label.get(), digest));
    }
    if (state.steps % schedule.checkpointEvery == 0) {
      save(label.get(), state);
    }
    compute();
  }

  private void save(Label label, State snapshot) {
    Published saved =
        new Published(label, "file of " + snapshot.digest, snapshot.digest, Double.NaN);
    schedule.in(
        schedule.millis(20, 1500),
        () ->
            receive(
                () -> {
                  disk.checkpoints.put(saved.sha256(), new Saved(saved, snapshot, false));
                  prune();
                  FakeStream current = stream;
                  if (current != null) {
                    current.toCoordinator(it -> it.checkpointHeld(memberId, saved));
                  }
                }));
  }

  void keep(List<Published> published) {
    kept = published;
  }

  private void prune() {
    if (schedule.rules.prunesByAge()) {
      while (disk.checkpoints.size() > schedule.keptCheckpoints) {
        disk.checkpoints.remove(disk.checkpoints.keySet().iterator().next());
      }
      return;
    }
    CheckpointPruning.superfluous(
            disk.checkpoints.values().stream()
                .sorted(
                    Comparator.comparingLong((Saved it) -> it.published().label().view())
                        .thenComparingLong(it -> it.published().label().step()))
                .toList(),
            it -> kept.contains(it.published()),
            schedule.keptCheckpoints)
        .forEach(it -> disk.checkpoints.remove(it.published().sha256()));
  }

  private void reportEnd() {
    FakeStream current = stream;
    Optional<Holding> holding = views.holding();
    if (current != null && holding.isPresent()) {
      current.toCoordinator(it -> it.trainingEnded(memberId, holding.get()));
    }
  }

  private void watchRing() {
    FakeRing current = ring;
    if (current == null || !waits || !stalledBecause.isEmpty() || !isIn(current.view.id())) {
      return;
    }
    boolean isLong = schedule.now() - waitsSinceNanos > WAITS_NANOS;
    Optional<String> obstacle = current.obstacle(memberId);
    if (lostSum || (isLong && obstacle.isPresent())) {
      stall("the ring broke", obstacle.orElse(""));
    } else if (isLong && schedule.hasStopped(current.view)) {
      Optional<String> blamed =
          current.view.seats().stream()
              .map(Seat::memberId)
              .filter(it -> !it.equals(memberId) && schedule.chance(0.2))
              .findFirst();
      stall("a neighbour closed the ring", blamed.orElse(""));
    }
  }

  private void stall(String error, String neighbour) {
    FakeRing current = ring;
    stalledBecause = error;
    culprit = neighbour;
    FakeStream control = stream;
    if (control != null && current != null) {
      control.toCoordinator(it -> it.stalled(memberId, current.view.id(), error, neighbour));
    }
  }

  @Override
  public String toString() {
    FakeRing current = ring;
    return "%s%s%s holds %s, promised %d, in view %d, stalled '%s', waits %s, stream %s"
        .formatted(
            memberId,
            alive ? "" : " DEAD",
            paused ? " PAUSED" : "",
            views.label().map(Label::toString).orElse("nothing"),
            views.promisedView(),
            current == null ? 0 : current.view.id(),
            stalledBecause,
            waits,
            stream == null ? "none" : stream.coordinator.name);
  }
}
