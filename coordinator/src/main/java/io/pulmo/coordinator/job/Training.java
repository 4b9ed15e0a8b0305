package io.pulmo.coordinator.job;

import io.pulmo.coordinator.job.Recruit.Stage;
import io.pulmo.coordinator.membership.Member;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.model.view.ViewLeader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The job that trains: who takes part, what they report, and what becomes of it. Its views are
 * {@link ViewLeader}'s; the owner of {@link Jobs} owns it.
 */
final class Training {
  /** How long the first view waits for those that still make ready, once one is ready. */
  static final Duration FIRST_VIEW_PATIENCE = Duration.ofSeconds(5);

  /** How long the members of the record's view have to find a new leader. */
  static final Duration ATTACH_GRACE = Duration.ofMillis(2_500);

  private static final Logger log = LoggerFactory.getLogger(Training.class);

  /**
   * For an answer. Who is gone is noticed by its heartbeats; whose heartbeats go on has much to do.
   */
  private static final long PREPARE_MILLIS = 10_000;

  private static final long COPY_MILLIS = 60_000;
  private static final long SETTLE_MILLIS = 300;

  /** How a job's training ends. */
  sealed interface Outcome {
    /** All members have one final state, and the bundle is here. */
    record Completed(String manifest) implements Outcome {}

    /** It cannot succeed. */
    record Failed(String why) implements Outcome {}
  }

  private final Job job;
  private final StoredFiles files;
  private final Finish finish;
  private final Duration patience;
  private final LongSupplier nanoTime;
  private final Speeds speeds;
  private final ViewLeader leader;
  private final int most;
  private final Map<String, Recruit> recruits = new LinkedHashMap<>();
  private final Set<String> leaving = new HashSet<>();
  private final Set<String> awaited = new HashSet<>();
  private final long beganNanos;
  private final TrainingStatus status;
  private final TrainingEvents told;
  private @Nullable Long firstReadyNanos;
  private @Nullable DataSet images;
  private @Nullable Outcome outcome;
  private @Nullable Long hopelessSinceNanos;
  private long brokenView;

  /**
   * Takes a job up where its views' record has it.
   *
   * @throws UnreadableRecordException if that record makes no sense
   */
  Training(
      Job job,
      long epoch,
      JobJournal jobs,
      StoredFiles files,
      Duration patience,
      EventLog events,
      LongSupplier nanoTime) {
    this.job = job;
    this.files = files;
    this.finish = new Finish(files);
    this.patience = patience;
    this.nanoTime = nanoTime;
    this.beganNanos = nanoTime.getAsLong();
    JobSpec spec = job.spec();
    most = Math.max(spec.workers().min(), Math.min(spec.workers().max(), spec.batch()));
    speeds = new Speeds(spec.batch());
    ViewJournal journal = jobs.views(job.id(), this::cause);
    leader =
        new ViewLeader(
            journal,
            epoch,
            new ViewLeader.Settings(
                spec.workers().min(),
                most,
                patience.toMillis(),
                ATTACH_GRACE.toMillis(),
                PREPARE_MILLIS,
                COPY_MILLIS,
                SETTLE_MILLIS),
            speeds,
            new OrderDesk(job.id(), journal, recruits, this::released),
            nanoTime);
    List<PastView> past = jobs.pastViews(job.id());
    status =
        new TrainingStatus(
            job,
            leader,
            recruits,
            leaving,
            speeds,
            past.isEmpty() ? "" : past.getLast().cause(),
            nanoTime);
    leader.view().ifPresent(view -> view.seats().forEach(seat -> awaited.add(seat.memberId())));
    told = new TrainingEvents(job, leader, speeds, events);
  }

  Job job() {
    return job;
  }

  private String cause() {
    return leader.lastCause();
  }

  /** A worker is here. */
  void joined(Member member, WorkerLine line, String replaces) {
    recruits.put(member.id(), new Recruit(member, line));
    if (!replaces.isEmpty()) {
      awaited.remove(replaces);
      leader.replaced(replaces);
    }
    enlistMore();
    after();
  }

  /** A worker is gone. */
  void left(Member member, String cause) {
    Recruit gone = recruits.remove(member.id());
    leaving.remove(member.id());
    speeds.forget(member.id());
    if (images != null) {
      images.forget(member.id());
    }
    if (gone != null && gone.stage == Stage.ENLISTED && gone.ready == null) {
      leader.lost(member.id(), cause);
    }
    enlistMore();
    after();
  }

  /** A worker wants to go. */
  void leaving(Member member) {
    Recruit recruit = recruits.get(member.id());
    if (recruit == null || !leaving.add(member.id())) {
      return;
    }
    if (recruit.stage == Stage.ENLISTED && recruit.ready == null) {
      leader.leaving(member.id());
    } else {
      putOut(recruit, "it leaves");
      recruit.line.send(new Order.Released());
    }
    enlistMore();
    after();
  }

  /** Whether a worker takes part. */
  boolean has(Member member) {
    Recruit recruit = recruits.get(member.id());
    return recruit != null && recruit.stage == Stage.ENLISTED;
  }

  /** A worker's word about this job. */
  void report(Member member, WorkerReport report) {
    Recruit recruit = recruits.get(member.id());
    if (recruit == null) {
      return;
    }
    switch (report) {
      case WorkerReport.Enlisted enlisted -> enlisted(recruit, enlisted);
      case WorkerReport.Failed failed -> failed(recruit, failed);
      default -> {
        if (recruit.stage == Stage.ENLISTED) {
          reported(recruit, report);
        }
      }
    }
    after();
  }

  private void enlisted(Recruit recruit, WorkerReport.Enlisted enlisted) {
    switch (recruit.stage) {
      case OUT -> recruit.line.send(new Order.Discharge(job.id(), recruit.out));
      case IDLE, ENLISTING -> {
        // Unasked, it was enlisted by the leader before; there is room unless others came first.
        if (recruit.stage == Stage.IDLE && taken() >= most) {
          recruit.line.send(new Order.Discharge(job.id(), "the job has " + most + " workers"));
          return;
        }
        recruit.stage = Stage.ENLISTED;
        awaited.remove(recruit.id());
        if (!isLetIn(recruit, enlisted)) {
          enlistMore();
          letReadyIn();
          return;
        }
        recruit.ready = enlisted;
        if (firstReadyNanos == null) {
          firstReadyNanos = nanoTime.getAsLong();
        }
        letReadyIn();
      }
      case ENLISTED -> {
        // It answers the order and tells by itself too: the first one told all.
      }
    }
  }

  /** Whether a worker's images are those of the others; those whose are not are put out. */
  private boolean isLetIn(Recruit recruit, WorkerReport.Enlisted enlisted) {
    if (enlisted.images().length == 0 || images().isEmpty()) {
      return true;
    }
    boolean inView = leader.view().flatMap(view -> view.seat(recruit.id())).isPresent();
    boolean letIn = true;
    for (DataSet.Refusal refusal :
        images().get().tell(recruit.id(), recruit.member.name(), enlisted.images(), inView)) {
      Recruit refused = recruits.get(refusal.memberId());
      letIn &= refused != recruit;
      if (refused != null) {
        cannotTakePart(refused, refusal.reason());
      }
    }
    return letIn;
  }

  /** The job's images, once its lists are here. */
  private Optional<DataSet> images() {
    if (images == null) {
      JobSpec.Data data = job.spec().data();
      images =
          files
              .images(job.sha256(data.train()), job.sha256(data.validation()))
              .map(DataSet::new)
              .orElse(null);
    }
    return Optional.ofNullable(images);
  }

  /** Whether the job starts with images that nobody holds: then it fails. */
  private boolean lacksImages() {
    DataSet known = images;
    List<String> ready =
        recruits.values().stream().filter(one -> one.ready != null).map(Recruit::id).toList();
    if (known == null || ready.isEmpty() || leader.view().isPresent()) {
      return false;
    }
    known.lack(ready).ifPresent(lack -> outcome = new Outcome.Failed(lack));
    return outcome != null;
  }

  /** Lets those in that are ready; the first view waits a little for all that are there. */
  private void letReadyIn() {
    Long first = firstReadyNanos;
    boolean wait =
        leader.view().isEmpty()
            && recruits.values().stream().anyMatch(one -> one.stage == Stage.ENLISTING)
            && first != null
            && nanoTime.getAsLong() - first < FIRST_VIEW_PATIENCE.toNanos();
    if (wait || lacksImages()) {
      return;
    }
    for (Recruit recruit : List.copyOf(recruits.values())) {
      WorkerReport.Enlisted ready = recruit.ready;
      if (ready != null) {
        recruit.ready = null;
        leader.enlisted(
            recruit.applicant(),
            ready.holding(),
            ready.enteredView(),
            ready.promisedView(),
            ready.onDisk());
      }
    }
  }

  private void failed(Recruit recruit, WorkerReport.Failed failed) {
    if (recruit.stage == Stage.OUT) {
      return;
    }
    if (!failed.mineAlone()) {
      outcome = new Outcome.Failed("worker " + recruit.member.label() + ": " + failed.error());
      return;
    }
    cannotTakePart(recruit, failed.error());
    enlistMore();
    letReadyIn();
  }

  private void cannotTakePart(Recruit recruit, String why) {
    log.warn("job {} goes on without worker {}: {}", job.id(), recruit.member.label(), why);
    boolean was = recruit.stage == Stage.ENLISTED && recruit.ready == null;
    putOut(recruit, why);
    if (was) {
      leader.lost(recruit.id(), "it cannot take part: " + why);
    }
  }

  private void putOut(Recruit recruit, String why) {
    boolean knows = recruit.stage != Stage.IDLE;
    recruit.stage = Stage.OUT;
    recruit.ready = null;
    recruit.out = why;
    if (images != null) {
      images.forget(recruit.id());
    }
    if (knows) {
      recruit.line.send(new Order.Discharge(job.id(), why));
    }
  }

  private void reported(Recruit recruit, WorkerReport report) {
    String id = recruit.id();
    switch (report) {
      case WorkerReport.Promised it -> leader.promised(id, it.answer());
      case WorkerReport.Refused it -> {
        log.info("{} refuses an order of view {}: {}", id, it.view(), it.answer().why());
        leader.refused(id, it.view(), it.answer());
      }
      case WorkerReport.Adopted it -> leader.adopted(id, it.view(), it.holding());
      case WorkerReport.NotAdopted it -> {
        log.warn("worker {} has no state for view {}: {}", id, it.view(), it.error());
        leader.adoptFailed(id, it.view(), it.error());
      }
      case WorkerReport.Installed it -> leader.installed(id, it.view());
      case WorkerReport.Stalled it -> leader.stalled(id, it.view(), it.error(), it.culpritId());
      case WorkerReport.Stepped it -> {
        recruit.step = it.label().step();
        recruit.samplesComputed = it.progress().samplesComputed();
        recruit.stepsComputed = it.progress().stepsComputed();
        recruit.samplesPerSecond = it.pace().samplesPerSecond();
        speeds.report(id, it.pace());
        job.progress(it.progress());
        leader.stepped(id, it.label(), it.digest());
      }
      case WorkerReport.CheckpointHeld it -> leader.checkpointHeld(id, it.checkpoint());
      case WorkerReport.CheckpointFailed it ->
          log.warn(
              "worker {} could not write its checkpoint of {}: {}", id, it.label(), it.error());
      case WorkerReport.Ended it -> {
        recruit.ended = it.holding();
        recruit.manifest = it.manifest();
        leader.stepped(id, it.holding().label(), Optional.of(it.holding().digest()));
      }
      case WorkerReport.Enlisted it -> throw new IllegalStateException("seen to before: " + it);
      case WorkerReport.Failed it -> throw new IllegalStateException("seen to before: " + it);
      case WorkerReport.Judged it -> throw new IllegalStateException("the job's: " + it);
    }
  }

  /** Does what is due. */
  void tick() {
    if (!awaited.isEmpty() && nanoTime.getAsLong() - beganNanos > ATTACH_GRACE.toNanos()) {
      awaited.clear();
    }
    enlistMore();
    letReadyIn();
    giveUpIfNobodyCan();
    findBrokenLink();
    if (leader.isTurning() && leader.view().filter(speeds::wantsOthers).isPresent()) {
      leader.reseat("shares follow the members' speeds");
    }
    leader.tick();
    status.noteWaiting();
    after();
  }

  /**
   * A job that each worker here has refused cannot begin. One that has a state waits a while: its
   * workers may be started again.
   */
  private void giveUpIfNobodyCan() {
    boolean hopeless =
        !recruits.isEmpty()
            && recruits.values().stream()
                .allMatch(one -> one.stage == Stage.OUT && !leaving.contains(one.id()));
    long now = nanoTime.getAsLong();
    if (!hopeless) {
      hopelessSinceNanos = null;
      return;
    }
    if (hopelessSinceNanos == null) {
      hopelessSinceNanos = now;
    }
    if (leader.view().isEmpty() || now - hopelessSinceNanos >= patience.toNanos()) {
      Recruit first = recruits.values().iterator().next();
      outcome =
          new Outcome.Failed("no worker can take part: " + first.member.label() + ": " + first.out);
    }
  }

  private void findBrokenLink() {
    Optional<View> view = leader.view();
    if (view.isEmpty() || view.get().id() == brokenView || !leader.isTurning()) {
      return;
    }
    List<RingWaits.Told> told = new ArrayList<>();
    for (Recruit recruit : recruits.values()) {
      recruit.line.pulse().ifPresent(it -> told.add(new RingWaits.Told(recruit.id(), it)));
    }
    Optional<RingWaits.Broken> found =
        RingWaits.broken(job.id(), view.get(), told, nanoTime.getAsLong());
    if (found.isPresent()) {
      brokenView = view.get().id();
      RingWaits.Broken broken = found.get();
      String error =
          "it has waited for %s for %.1f s, and everybody waits"
              .formatted(broken.on().name(), broken.millis() / 1000.0);
      log.warn("job {}: {}: {}", job.id(), broken.waiting().name(), error);
      leader.stalled(broken.waiting().memberId(), brokenView, error, broken.on().memberId());
    }
  }

  /** Asks as many workers as the job takes, in the order in which they came. */
  private void enlistMore() {
    for (Recruit recruit : recruits.values()) {
      boolean expected = awaited.contains(recruit.id());
      if (recruit.stage == Stage.IDLE
          && !leaving.contains(recruit.id())
          && (expected || taken() < most)) {
        awaited.remove(recruit.id());
        recruit.stage = Stage.ENLISTING;
        recruit.line.send(new Order.Enlist(job.id(), job.yaml(), job.files()));
      }
    }
  }

  private int taken() {
    long here =
        recruits.values().stream()
            .filter(one -> one.stage == Stage.ENLISTING || one.stage == Stage.ENLISTED)
            .count();
    return (int) here + awaited.size();
  }

  /** Tells of what has come about, and looks whether the training is over. */
  private void after() {
    if (leader.superseded().isPresent()) {
      throw new JournalException(leader.superseded().get(), null);
    }
    Optional<View> view = leader.view();
    if (view.isEmpty()) {
      return;
    }
    told.tell(view.get());
    lookForTheEnd(view.get());
  }

  private void lookForTheEnd(View view) {
    if (outcome != null || !leader.isTurning()) {
      return;
    }
    switch (finish.of(view, recruits, nanoTime.getAsLong())) {
      case Finish.Verdict.NotYet it -> {}
      case Finish.Verdict.Done it -> outcome = new Outcome.Completed(it.manifest());
      case Finish.Verdict.ExportAgain it -> {
        log.warn("the bundle of job {} is made again: it lacks {}", job.id(), it.lacking());
        recruits.values().forEach(one -> one.manifest = "");
        leader.reseat("the bundle is made again");
      }
      case Finish.Verdict.GiveUp it ->
          outcome = new Outcome.Failed("the bundle is not here: it lacks " + it.lacking());
    }
  }

  /** How the training ended, once it has. */
  Optional<Outcome> outcome() {
    return Optional.ofNullable(outcome);
  }

  /** Sends everyone home. */
  void discharge(String reason) {
    for (Recruit recruit : recruits.values()) {
      if (recruit.stage == Stage.ENLISTING || recruit.stage == Stage.ENLISTED) {
        recruit.line.send(new Order.Discharge(job.id(), reason));
        if (leaving.contains(recruit.id())) {
          recruit.line.send(new Order.Released());
        }
      }
    }
  }

  /** What it waits for, for people; empty while it trains. */
  String detail() {
    return status.detail(Optional.ofNullable(images));
  }

  /** How its views stand. */
  Job.Standing standing() {
    return status.standing();
  }

  /** The views need a worker no more. */
  private void released(Recruit recruit) {
    if (leaving.contains(recruit.id())) {
      recruit.line.send(new Order.Released());
    } else {
      putOut(recruit, "the others go on without it");
    }
  }
}
