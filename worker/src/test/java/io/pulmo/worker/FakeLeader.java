package io.pulmo.worker;

import io.pulmo.model.view.Applicant;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.model.view.ViewLeader;
import io.pulmo.proto.Adopt;
import io.pulmo.proto.CheckpointHeld;
import io.pulmo.proto.CheckpointSource;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.Enlist;
import io.pulmo.proto.EpochReport;
import io.pulmo.proto.Hello;
import io.pulmo.proto.Install;
import io.pulmo.proto.KeepCheckpoints;
import io.pulmo.proto.Prepare;
import io.pulmo.proto.Released;
import io.pulmo.proto.RestoreRecord;
import io.pulmo.proto.RingMember;
import io.pulmo.proto.Start;
import io.pulmo.proto.StateHolding;
import io.pulmo.proto.StateLabel;
import io.pulmo.proto.TrainingEnded;
import io.pulmo.proto.WorkerMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The leader of one job in a test: the real protocol of views over the control streams of a {@link
 * FakeCoordinator}, its journal in memory.
 */
final class FakeLeader implements FakeCoordinator.Ears, ViewLeader.Orders, AutoCloseable {
  private static final ViewLeader.Settings TIMES =
      new ViewLeader.Settings(1, 8, 3_000, 4_000, 3_000, 20_000, 50);

  private final FakeCoordinator coordinator;
  private final Enlist job;
  private final ViewLeader.Settings settings;
  private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();
  private final Map<String, FakeCoordinator.Attached> workers = new HashMap<>();
  private final Map<String, Hello> hellos = new HashMap<>();
  private final Journal journal = new Journal();

  /** By label, what members said its digest was. */
  final Map<Label, Map<String, String>> digests = new HashMap<>();

  final Map<String, TrainingEnded> ended = new HashMap<>();
  final Map<Integer, EpochReport> epochs = new TreeMap<>();
  final List<String> failures = new ArrayList<>();
  final Map<String, Long> copyMillis = new HashMap<>();
  private ViewLeader views;

  /** Remembers every view. */
  private static final class Journal implements ViewJournal {
    private Kept kept = Kept.empty();
    private final List<View> views = new ArrayList<>();

    @Override
    public Kept current() {
      return kept;
    }

    @Override
    public void write(Kept next) {
      kept = next;
      next.view().filter(v -> views.isEmpty() || !views.getLast().equals(v)).ifPresent(views::add);
    }
  }

  FakeLeader(FakeCoordinator coordinator, Enlist job, int min) {
    this.coordinator = coordinator;
    this.job = job;
    this.settings =
        new ViewLeader.Settings(
            min,
            TIMES.max(),
            TIMES.patienceMillis(),
            TIMES.attachGraceMillis(),
            TIMES.prepareMillis(),
            TIMES.copyMillis(),
            TIMES.settleMillis());
    this.views = takeOffice();
    coordinator.listen(this);
    var unused = thread.scheduleAtFixedRate(() -> views.tick(), 20, 20, TimeUnit.MILLISECONDS);
  }

  private ViewLeader takeOffice() {
    return new ViewLeader(
        journal, coordinator.epoch(), settings, this::plan, this, System::nanoTime);
  }

  private List<Seat> plan(List<Applicant> applicants) {
    return applicants.stream()
        .map(a -> new Seat(a.memberId(), a.name(), a.address(), 1, 1))
        .toList();
  }

  /** Another leader takes office, with nothing but the journal. */
  void succeed() throws Exception {
    ask(
        () -> {
          coordinator.epoch(coordinator.epoch() + 1);
          workers.clear();
          views = takeOffice();
          return true;
        });
    coordinator.endStreams();
  }

  /** What the leader's thread says. */
  <T> T ask(Supplier<T> question) throws InterruptedException, ExecutionException {
    return thread.submit(question::get).get();
  }

  /** Waits until the leader's thread says so. */
  void await(Supplier<Boolean> condition, String what) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!ask(condition)) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError(
            "not within 60 s: %s; %s; %s; failures %s"
                .formatted(what, ask(() -> views.status()), ask(() -> views.view()), failures));
      }
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  ViewLeader views() {
    return views;
  }

  /** What a member said at the end, nothing if it has not. */
  TrainingEnded ended(String memberId) {
    return ended.getOrDefault(memberId, TrainingEnded.getDefaultInstance());
  }

  /** All views so far. */
  List<View> history() throws Exception {
    return ask(() -> List.copyOf(journal.views));
  }

  /** Whether the current view has so many members and has taken so many steps. */
  boolean turns(int members, long steps) {
    return views.isTurning()
        && views.view().orElseThrow().seats().size() == members
        && views.committedStep() >= views.view().orElseThrow().continues().step() + steps;
  }

  @Override
  public void attached(FakeCoordinator.Attached worker) {
    thread.execute(
        () -> {
          workers.put(worker.memberId(), worker);
          hellos.put(worker.memberId(), worker.hello());
          if (!worker.hello().getReplacesMemberId().isEmpty()) {
            views.replaced(worker.hello().getReplacesMemberId());
          }
          worker.send(job.toBuilder().setLeaderEpoch(coordinator.epoch()).build());
        });
  }

  @Override
  public void gone(FakeCoordinator.Attached worker) {
    if (!thread.isShutdown()) {
      thread.execute(
          () -> {
            if (workers.remove(worker.memberId(), worker)) {
              views.lost(worker.memberId(), "its control stream ended");
            }
          });
    }
  }

  @Override
  public void heard(FakeCoordinator.Attached worker, WorkerMessage message) {
    thread.execute(
        () -> {
          if (workers.get(worker.memberId()) == worker) {
            heard(worker.memberId(), message);
          }
        });
  }

  private void heard(String id, WorkerMessage message) {
    switch (message.getKindCase()) {
      case ENLISTED -> {
        var enlisted = message.getEnlisted();
        Hello hello = Objects.requireNonNull(hellos.get(id), id);
        views.enlisted(
            new Applicant(
                id, hello.getName(), hello.getRingAddress(), hello.getHostId(), hello.getCores()),
            enlisted.hasHolding() ? Optional.of(holding(enlisted.getHolding())) : Optional.empty(),
            enlisted.getEnteredView(),
            enlisted.getPromisedView(),
            enlisted.getCheckpointsList().stream().map(FakeLeader::published).toList());
      }
      case PROMISED -> {
        var promised = message.getPromised();
        views.promised(
            id,
            new Answer.Promised(
                promised.getView(),
                promised.hasHolding()
                    ? Optional.of(holding(promised.getHolding()))
                    : Optional.empty(),
                promised.getEnteredView()));
      }
      case REFUSED -> {
        var refused = message.getRefused();
        views.refused(
            id,
            refused.getView(),
            new Answer.Refused(
                refused.getHighestEpoch(), refused.getPromisedView(), refused.getReason()));
      }
      case ADOPTED -> {
        var adopted = message.getAdopted();
        if (adopted.getError().isEmpty()) {
          copyMillis.put(id, adopted.getMillis());
          views.adopted(id, adopted.getView(), holding(adopted.getHolding()));
        } else {
          failures.add(adopted.getError());
          views.adoptFailed(id, adopted.getView(), adopted.getError());
        }
      }
      case INSTALLED -> views.installed(id, message.getInstalled().getView());
      case STALLED -> {
        var stalled = message.getStalled();
        views.stalled(id, stalled.getView(), stalled.getError(), stalled.getCulpritMemberId());
      }
      case STEPPED -> {
        var stepped = message.getStepped();
        Label label = label(stepped.getLabel());
        Optional<String> digest =
            stepped.getDigest().isEmpty() ? Optional.empty() : Optional.of(stepped.getDigest());
        digest.ifPresent(d -> digests.computeIfAbsent(label, l -> new HashMap<>()).put(id, d));
        views.stepped(id, label, digest);
      }
      case CHECKPOINT -> {
        var checkpoint = message.getCheckpoint();
        if (checkpoint.getError().isEmpty()) {
          views.checkpointHeld(id, published(checkpoint));
        } else {
          failures.add(checkpoint.getError());
        }
      }
      case ENDED -> ended.put(id, message.getEnded());
      case EPOCH -> epochs.put(message.getEpoch().getEpoch(), message.getEpoch());
      case JOB_FAILED -> {
        failures.add(message.getJobFailed().getError());
        views.lost(id, message.getJobFailed().getError());
      }
      case LEAVING -> views.leaving(id);
      default -> {}
    }
  }

  private static Label label(StateLabel label) {
    return new Label(label.getView(), label.getStep());
  }

  private static Holding holding(StateHolding holding) {
    return new Holding(label(holding.getLabel()), holding.getDigest());
  }

  private static ViewJournal.Published published(CheckpointHeld held) {
    Holding holding = holding(held.getHolding());
    return new ViewJournal.Published(
        holding.label(), held.getSha256(), holding.digest(), held.getBestAuc());
  }

  private static StateHolding holding(Label label, String digest) {
    return StateHolding.newBuilder()
        .setLabel(StateLabel.newBuilder().setView(label.view()).setStep(label.step()))
        .setDigest(digest)
        .build();
  }

  private static RingMember member(Seat seat) {
    return RingMember.newBuilder()
        .setMemberId(seat.memberId())
        .setName(seat.name())
        .setRingAddress(seat.address())
        .setShare(seat.share())
        .setThreads(seat.threads())
        .build();
  }

  private void send(String memberId, CoordinatorMessage.Builder message) {
    FakeCoordinator.Attached worker = workers.get(memberId);
    if (worker != null) {
      worker.send(message.build());
    }
  }

  @Override
  public void prepare(String memberId, long view) {
    send(
        memberId,
        CoordinatorMessage.newBuilder()
            .setPrepare(
                Prepare.newBuilder()
                    .setJobId(job.getJobId())
                    .setLeaderEpoch(coordinator.epoch())
                    .setView(view)));
  }

  private Adopt.Builder adopt(long view, Label label, String digest) {
    return Adopt.newBuilder()
        .setJobId(job.getJobId())
        .setLeaderEpoch(coordinator.epoch())
        .setView(view)
        .setHolding(holding(label, digest));
  }

  @Override
  public void copy(String memberId, long view, Holding what, Seat from) {
    send(
        memberId,
        CoordinatorMessage.newBuilder()
            .setAdopt(adopt(view, what.label(), what.digest()).setMember(member(from))));
  }

  @Override
  public void restore(String memberId, long view, ViewJournal.Published what, List<Seat> holders) {
    CheckpointSource.Builder source = CheckpointSource.newBuilder().setSha256(what.sha256());
    holders.forEach(holder -> source.addHolders(member(holder)));
    send(
        memberId,
        CoordinatorMessage.newBuilder()
            .setAdopt(adopt(view, what.label(), what.digest()).setCheckpoint(source)));
  }

  @Override
  public void start(String memberId, long view) {
    send(
        memberId,
        CoordinatorMessage.newBuilder()
            .setAdopt(adopt(view, Label.START, "").setStart(Start.getDefaultInstance())));
  }

  @Override
  public void install(String memberId, View view) {
    Install.Builder install =
        Install.newBuilder()
            .setJobId(job.getJobId())
            .setLeaderEpoch(coordinator.epoch())
            .setView(view.id())
            .setContinues(
                StateLabel.newBuilder()
                    .setView(view.continues().view())
                    .setStep(view.continues().step()));
    view.seats().forEach(seat -> install.addMembers(member(seat)));
    journal
        .kept
        .gaps()
        .forEach(
            gap ->
                install.addRestores(
                    RestoreRecord.newBuilder()
                        .setView(gap.view())
                        .setToStep(gap.toStep())
                        .setFromStep(gap.fromStep())));
    send(memberId, CoordinatorMessage.newBuilder().setInstall(install));
  }

  @Override
  public void keep(String memberId, List<ViewJournal.Published> published) {
    KeepCheckpoints.Builder keep = KeepCheckpoints.newBuilder().setJobId(job.getJobId());
    published.forEach(it -> keep.addSha256(it.sha256()));
    send(memberId, CoordinatorMessage.newBuilder().setKeepCheckpoints(keep));
  }

  @Override
  public void release(String memberId) {
    send(memberId, CoordinatorMessage.newBuilder().setReleased(Released.getDefaultInstance()));
  }

  @Override
  public void close() {
    coordinator.listen(Silence.INSTANCE);
    thread.shutdownNow();
  }

  private enum Silence implements FakeCoordinator.Ears {
    INSTANCE;

    @Override
    public void attached(FakeCoordinator.Attached worker) {}

    @Override
    public void heard(FakeCoordinator.Attached worker, WorkerMessage message) {}

    @Override
    public void gone(FakeCoordinator.Attached worker) {}
  }
}
