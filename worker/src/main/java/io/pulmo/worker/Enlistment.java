package io.pulmo.worker;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.StatusRuntimeException;
import io.pulmo.model.job.JobSpecException;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.node.NoLeaderException;
import io.pulmo.worker.data.ImagePeers;
import io.pulmo.worker.ring.AllReduce;
import io.pulmo.worker.ring.RingAbortedException;
import io.pulmo.worker.ring.RingBrokenException;
import io.pulmo.worker.ring.RingException;
import io.pulmo.worker.rpc.AdoptOrder;
import io.pulmo.worker.rpc.InstallOrder;
import io.pulmo.worker.rpc.JobOrder;
import io.pulmo.worker.rpc.PeerService;
import io.pulmo.worker.rpc.Pulse;
import io.pulmo.worker.rpc.Reports;
import io.pulmo.worker.train.Activity;
import io.pulmo.worker.train.Judgement;
import io.pulmo.worker.train.StepLoop;
import io.pulmo.worker.train.StepReport;
import io.pulmo.worker.train.TrainingException;
import io.pulmo.worker.train.TrainingListener;
import io.pulmo.worker.train.TrainingState;
import io.pulmo.worker.train.Turn;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's part in one job: what it has promised, the state that it holds, and the thread that
 * trains. Orders are carried out at once; the training thread notices.
 */
final class Enlistment implements TrainingListener {
  // Lock order: this, then what MemberViews has. The training thread changes the state inside
  // MemberViews' lock and takes this one never meanwhile.

  private static final Logger log = LoggerFactory.getLogger(Enlistment.class);

  /** What comes back from a successor is a summary. */
  private static final int RING_ANSWER_BYTES = 1 << 12;

  /** A ring mostly breaks because a neighbour has promised a view: the order is on its way here. */
  private static final long PROMISE_MILLIS = 150;

  private static final long LEADER_PAUSE_MILLIS = 500;
  private static final int MOST_JUDGEMENTS = 128;

  private final Workplace workplace;
  private final Reports reports;
  private final JobOrder order;
  private final MemberViews views = new MemberViews(this::digest);
  private final StepLoop.Tally tally = new StepLoop.Tally();
  private final Thread thread;
  private @Nullable Enlistment before;

  private volatile @Nullable TrainingState state;
  private volatile @Nullable Entered entered;
  private volatile Activity activity = Activity.PREPARING;
  private volatile long step;

  private volatile @Nullable KeptCheckpoints kept;

  @GuardedBy("this")
  private @Nullable JobAssets assets;

  @GuardedBy("this")
  private @Nullable Adoption adoption;

  @GuardedBy("this")
  private @Nullable BundleExport export;

  @GuardedBy("this")
  private final ArrayDeque<Judged> judged = new ArrayDeque<>();

  @GuardedBy("this")
  private @Nullable Failure failure;

  @GuardedBy("this")
  private boolean closed;

  @GuardedBy("this")
  private boolean discharged;

  private record Judged(long view, Judgement judgement) {}

  private record Failure(String error, boolean mineAlone) {}

  /** A view that this member has entered, and what became of its part in it. */
  private static final class Entered {
    private final InstallOrder order;
    private final AllReduce ring;
    private boolean taken;
    private boolean ended;
    private @Nullable String stalled;
    private String culprit = "";

    Entered(InstallOrder order, AllReduce ring) {
      this.order = order;
      this.ring = ring;
    }

    long view() {
      return order.view().id();
    }
  }

  /**
   * Starts to make ready.
   *
   * @param before the enlistment whose device must have gone first
   */
  Enlistment(
      Workplace workplace,
      Reports reports,
      JobOrder order,
      long leaderEpoch,
      @Nullable Enlistment before) {
    this.workplace = workplace;
    this.reports = reports;
    this.order = order;
    this.before = before;
    var unused = views.heard(leaderEpoch);
    this.thread = Thread.ofPlatform().daemon().name("train-" + order.jobId()).unstarted(this::work);
  }

  void start() {
    thread.start();
  }

  String jobId() {
    return order.jobId();
  }

  private String digest() {
    TrainingState held = state;
    return held == null ? "" : held.digest();
  }

  // Orders.

  boolean heard(long leaderEpoch) {
    return views.heard(leaderEpoch);
  }

  /** Tells a leader all that it must know, once there is something. */
  synchronized void announce() {
    Failure failed = failure;
    if (failed != null) {
      reports.failed(jobId(), failed.error, failed.mineAlone);
      return;
    }
    if (assets == null) {
      return;
    }
    reports.enlisted(
        jobId(),
        views.holding(),
        views.enteredView(),
        views.promisedView(),
        kept == null ? List.of() : kept.newest(),
        assets.images().index().manifest().shortened());
    judged.forEach(one -> reports.judged(jobId(), one.view, one.judgement));
    Entered now = entered;
    if (now == null || !views.isIn(now.view())) {
      return;
    }
    if (now.stalled != null) {
      reports.stalled(jobId(), now.view(), now.stalled, now.culprit);
    }
    if (now.ended) {
      sayEnded(now);
    }
  }

  synchronized void prepare(long leaderEpoch, long view) {
    if (failure != null) {
      announce();
      return;
    }
    Optional<Label> at = views.label();
    switch (views.prepare(leaderEpoch, view)) {
      case Answer.Promised promised -> {
        stop("view " + view + " is promised");
        workplace.events().stopped(jobId(), view, at);
        reports.promised(jobId(), promised);
      }
      case Answer.Refused refused -> reports.refused(jobId(), view, refused);
      case Answer.Done done -> throw new IllegalStateException("a promise is " + done);
    }
  }

  @GuardedBy("this")
  private void stop(String why) {
    Entered now = entered;
    if (now != null) {
      now.ring.abort(why);
    }
    if (adoption != null) {
      adoption.cancel();
      adoption = null;
    }
    notifyAll();
  }

  synchronized void adopt(AdoptOrder wanted) {
    Adoption running = adoption;
    JobAssets ready = assets;
    if (running != null && running.order().equals(wanted)) {
      running.sayAgain();
    } else if (ready == null) {
      reports.adoptFailed(jobId(), wanted.view(), workplace.name() + " still makes ready");
    } else {
      if (running != null) {
        running.cancel();
      }
      adoption = new Adoption(wanted, workplace, reports, ready, this::putInPlace);
      adoption.start();
    }
  }

  private synchronized Answer putInPlace(AdoptOrder wanted, TrainingState adopted) {
    Answer answer =
        views.adopt(
            wanted.leaderEpoch(),
            wanted.view(),
            wanted.holding().label(),
            () -> held().replaceBy(adopted));
    if (answer instanceof Answer.Done) {
      step = wanted.holding().label().step();
    }
    return answer;
  }

  private TrainingState held() {
    TrainingState held = state;
    if (held == null) {
      throw new IllegalStateException("job " + jobId() + " has no state yet");
    }
    return held;
  }

  synchronized void install(InstallOrder wanted) {
    long view = wanted.view().id();
    Entered before = entered;
    switch (views.install(wanted.leaderEpoch(), wanted.view())) {
      case Answer.Done done -> {
        if (before == null || before.view() != view) {
          if (before != null) {
            before.ring.abort("view " + view + " is installed");
          }
          entered = new Entered(wanted, workplace.rings().join(wanted.ring(), Enlistment::connect));
          workplace.events().entered(jobId(), wanted.view());
          notifyAll();
        }
        reports.installed(jobId(), view);
      }
      case Answer.Refused refused -> reports.refused(jobId(), view, refused);
      case Answer.Promised promised -> throw new IllegalStateException("entering is " + promised);
    }
  }

  private static io.grpc.ManagedChannel connect(io.pulmo.worker.ring.RingPlan.Peer peer) {
    return Channels.open(HostPort.parse(peer.address()), RING_ANSWER_BYTES);
  }

  Pulse pulse() {
    Entered now = entered;
    return now == null
        ? new Pulse(jobId(), 0, step, activity, Optional.empty())
        : new Pulse(jobId(), now.view(), step, activity, now.ring.waitingOn());
  }

  /** The state, if it is the one that a peer wants. */
  PeerService.Holdings.Held held(Holding wanted) throws PeerService.NotHeldException {
    TrainingState held = state;
    Optional<Label> label = views.label();
    if (held == null || !label.equals(Optional.of(wanted.label()))) {
      throw new PeerService.NotHeldException(
          "%s does not hold the state at %s of job %s, but %s"
              .formatted(
                  workplace.name(),
                  wanted.label(),
                  jobId(),
                  label.map(l -> "that at " + l).orElse("none")),
          true);
    }
    return new PeerService.Holdings.Held(held, () -> views.label().equals(label));
  }

  /** A checkpoint's file that a peer wants. */
  Path checkpoint(String sha256) throws PeerService.NotHeldException {
    KeptCheckpoints here = kept;
    Optional<Path> file = here == null ? Optional.empty() : here.find(sha256);
    return file.orElseThrow(
        () ->
            new PeerService.NotHeldException(
                workplace.name() + " has no checkpoint " + sha256 + " of job " + jobId(), true));
  }

  /** Ends it all for good: what was fetched for the job is needed no more. */
  synchronized void discharge(String reason) {
    discharged = true;
    close(reason);
  }

  private synchronized boolean isDischarged() {
    return discharged;
  }

  /** Ends it all; what waits is freed, a pass of the network ends first. */
  synchronized void close(String reason) {
    if (!closed) {
      log.info("{} leaves job {}: {}", workplace.name(), jobId(), reason);
      closed = true;
      stop(reason);
      if (export != null) {
        export.cancel();
      }
      thread.interrupt();
    }
  }

  void awaitEnd(long millis) throws InterruptedException {
    thread.join(millis);
  }

  // The training thread.

  private void work() {
    try {
      awaitBefore();
      JobAssets made = prepareAssets();
      try (made) {
        TrainingState start = made.start();
        try (KeptCheckpoints checkpoints =
            new KeptCheckpoints(jobId(), made.checkpoints(), start, reports)) {
          synchronized (this) {
            kept = checkpoints;
            state = start;
            assets = made;
            activity = Activity.IDLE;
            announce();
          }
          while (true) {
            turn(made, awaitView());
          }
        }
      } finally {
        if (isDischarged()) {
          made.images().discard();
        }
      }
    } catch (InterruptedException e) {
      log.debug("the training thread of {} ends", jobId(), e);
    } catch (TrainingException e) {
      failed(e, String.valueOf(e.getMessage()), e.isOnlyHere());
    } catch (JobSpecException e) {
      failed(e, String.valueOf(e.getMessage()), false);
    } catch (StatusRuntimeException e) {
      failed(e, "worker %s: the leader answered %s".formatted(workplace.name(), e.getMessage()));
    } catch (OutOfMemoryError e) {
      failed(
          e,
          "worker %s ran out of memory (%d MiB of heap): lower batch, or give it more with -Xmx"
              .formatted(workplace.name(), Runtime.getRuntime().maxMemory() >> 20));
    } catch (IOException | RuntimeException | Error e) {
      String message = e.getMessage();
      failed(e, "worker %s: %s".formatted(workplace.name(), message == null ? e : message));
    }
  }

  /** The enlistment before was told to end and does so soon; the next waits for this one alone. */
  private void awaitBefore() throws InterruptedException {
    Enlistment earlier = before;
    before = null;
    boolean interrupted = false;
    while (earlier != null) {
      try {
        earlier.thread.join();
        earlier = null;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      throw new InterruptedException("interrupted while waiting for the job before");
    }
  }

  private JobAssets prepareAssets() throws IOException, InterruptedException, TrainingException {
    while (true) {
      try {
        return JobAssets.prepare(workplace, order, Runtime.getRuntime().availableProcessors());
      } catch (NoLeaderException e) {
        log.info("job {} is not ready: {}", jobId(), e.getMessage());
        Thread.sleep(LEADER_PAUSE_MILLIS);
      }
    }
  }

  private synchronized Entered awaitView() throws InterruptedException {
    while (true) {
      Entered now = entered;
      if (now != null && !now.taken && views.isIn(now.view())) {
        now.taken = true;
        return now;
      }
      wait();
    }
  }

  private void turn(JobAssets with, Entered now) throws InterruptedException, TrainingException {
    with.images()
        .enter(
            now.order.ring().members().stream()
                .filter(peer -> !peer.equals(now.order.ring().self()))
                .map(peer -> new ImagePeers.Peer(peer.memberId(), peer.name(), peer.address()))
                .toList());
    with.tools().device().useThreads(now.order.seat().threads());
    TrainingState trained = held();
    step = trained.step();
    try {
      StepLoop loop =
          new StepLoop(
              with.plan(),
              trained,
              new Turn(now.order.view(), now.order.restores(), views, now.ring),
              with.tools(),
              tally,
              this);
      if (loop.run()) {
        atTheEnd(with, now);
      }
    } catch (TrainingException e) {
      if (views.isIn(now.view())) {
        throw e;
      }
      // Such as an image of a peer that is lost, which the next view knows.
      log.info("view {} of {} is left with: {}", now.view(), jobId(), e.getMessage());
    } catch (RingAbortedException e) {
      log.debug("view {} of {} is left", now.view(), jobId(), e);
    } catch (RingBrokenException e) {
      stalled(now, e, e.memberId());
    } catch (RingException e) {
      stalled(now, e, "");
    } finally {
      activity = Activity.IDLE;
    }
  }

  private synchronized void stalled(Entered now, RingException why, String culprit)
      throws InterruptedException {
    long deadline = System.nanoTime() + PROMISE_MILLIS * 1_000_000;
    for (long left = PROMISE_MILLIS; left > 0; left = (deadline - System.nanoTime()) / 1_000_000) {
      if (!views.isIn(now.view())) {
        return;
      }
      wait(left);
    }
    if (views.isIn(now.view())) {
      // The ring is not left yet: its other neighbour would take this member for the culprit.
      now.stalled = String.valueOf(why.getMessage());
      now.culprit = culprit;
      log.info("view {} of {} stalls: {}", now.view(), jobId(), why.getMessage());
      reports.stalled(jobId(), now.view(), now.stalled, culprit);
    }
  }

  private synchronized void atTheEnd(JobAssets with, Entered now) {
    if (!views.isIn(now.view()) || closed) {
      return;
    }
    now.ended = true;
    BundleExport made = export;
    if (now.order.ring().rank() > 0) {
      if (made != null) {
        // Another member is the first now.
        made.cancel();
        export = null;
      }
    } else {
      String digest = held().digest();
      if (made == null || !made.isOf(digest)) {
        if (made != null) {
          made.cancel();
        }
        made =
            new BundleExport(
                digest,
                new TrainedBundle(workplace, order, now.order, with, held()),
                this::exported,
                e -> failed(e, "worker " + workplace.name() + ": " + e.getMessage()));
        export = made;
        made.start();
      } else {
        made.storeAgain();
      }
    }
    sayEnded(now);
  }

  private synchronized void exported() {
    Entered now = entered;
    if (now != null && now.ended) {
      sayEnded(now);
    }
  }

  @GuardedBy("this")
  private void sayEnded(Entered now) {
    String manifest =
        export == null || now.order.ring().rank() > 0 ? "" : export.manifest().orElse("");
    if (views.isIn(now.view())) {
      views.holding().ifPresent(held -> reports.ended(jobId(), held, manifest));
    }
  }

  private void failed(Throwable cause, String error) {
    failed(cause, error, true);
  }

  private synchronized void failed(Throwable cause, String error, boolean mineAlone) {
    log.info("job {} fails: {}", jobId(), error);
    log.debug("because of", cause);
    if (!closed && failure == null) {
      failure = new Failure(error, mineAlone);
      reports.failed(jobId(), error, mineAlone);
    }
  }

  // What the loop does.

  @Override
  public void turnsTo(Activity now) {
    activity = now;
  }

  @Override
  public void stepped(StepReport report) {
    step = report.label().step();
    workplace.events().stepped(jobId(), report);
    reports.stepped(jobId(), report);
  }

  @Override
  public synchronized void judged(Judgement judgement) {
    long view = views.enteredView();
    if (judged.size() == MOST_JUDGEMENTS) {
      judged.removeFirst();
    }
    judged.addLast(new Judged(view, judgement));
    reports.judged(jobId(), view, judgement);
  }

  @Override
  public void checkpoint(Label label, TrainingState copied) {
    KeptCheckpoints to = kept;
    if (to != null) {
      to.take(label, copied);
    }
  }
}
