package io.pulmo.worker;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.worker.rpc.AdoptOrder;
import io.pulmo.worker.rpc.InstallOrder;
import io.pulmo.worker.rpc.JobOrder;
import io.pulmo.worker.rpc.PeerService;
import io.pulmo.worker.rpc.Pulse;
import io.pulmo.worker.rpc.Reports;
import io.pulmo.worker.train.Activity;
import io.pulmo.worker.train.TrainingState;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's part in one job: what it has promised, the state that it holds, and the thread that
 * trains. Orders are carried out at once; the training thread notices.
 */
final class Enlistment {
  // Lock order: this, then what MemberViews has. The training thread changes the state inside
  // MemberViews' lock and takes this one never meanwhile.

  private static final Logger log = LoggerFactory.getLogger(Enlistment.class);

  /** What comes back from a successor is a summary. */
  private static final int RING_ANSWER_BYTES = 1 << 12;

  /** A ring mostly breaks because a neighbour has promised a view: the order is on its way here. */
  private static final long PROMISE_MILLIS = 150;

  private final Workplace workplace;
  private final Reports reports;
  private final JobOrder order;
  private final MemberViews views = new MemberViews(this::digest);
  private final Judgements judgements;
  private final Trainer trainer;

  private volatile @Nullable TrainingState state;
  private volatile @Nullable Entered entered;
  private volatile boolean exporting;
  private volatile @Nullable KeptCheckpoints kept;

  @GuardedBy("this")
  private @Nullable JobAssets assets;

  @GuardedBy("this")
  private @Nullable Adoption adoption;

  @GuardedBy("this")
  private @Nullable BundleExport export;

  @GuardedBy("this")
  private @Nullable Failure failure;

  @GuardedBy("this")
  private boolean closed;

  @GuardedBy("this")
  private boolean discharged;

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
    this.judgements = new Judgements(order.jobId(), reports);
    var unused = views.heard(leaderEpoch);
    this.trainer =
        new Trainer(
            workplace, reports, order, judgements, this, before == null ? null : before.trainer);
  }

  void start() {
    trainer.start();
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
      reports.failed(jobId(), failed.error(), failed.mineAlone());
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
    judgements.tell();
    Entered now = entered;
    if (now == null || !views.isIn(now.view())) {
      return;
    }
    Entered.Stall stall = now.stall();
    if (stall != null) {
      reports.stalled(jobId(), now.view(), stall.error(), stall.culprit());
    }
    if (now.hasEnded()) {
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
      now.ring().abort(why);
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
      trainer.startsAt(wanted.holding().label().step());
    }
    return answer;
  }

  TrainingState held() {
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
            before.ring().abort("view " + view + " is installed");
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

  /** The published checkpoints' files must stay. */
  void keep(List<String> sha256) {
    KeptCheckpoints here = kept;
    if (here != null) {
      here.keep(sha256);
    }
  }

  private static io.grpc.ManagedChannel connect(io.pulmo.worker.ring.RingPlan.Peer peer) {
    return Channels.open(HostPort.parse(peer.address()), RING_ANSWER_BYTES);
  }

  Pulse pulse() {
    Entered now = entered;
    Activity does = trainer.activity();
    Activity told = does == Activity.IDLE && exporting ? Activity.EXPORTING : does;
    return now == null
        ? new Pulse(jobId(), 0, trainer.step(), told, Optional.empty())
        : new Pulse(jobId(), now.view(), trainer.step(), told, now.ring().waitingOn());
  }

  /** The state, if it is the one that a peer wants. */
  PeerService.Holdings.Held held(Holding wanted) throws PeerService.NotHeldException {
    TrainingState held = state;
    Optional<Label> label = views.label();
    // Until it has adopted one, a member has the state that everybody begins with.
    if (held == null || !label.orElse(Label.START).equals(wanted.label())) {
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

  synchronized boolean isDischarged() {
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
      trainer.interrupt();
    }
  }

  void awaitEnd(long millis) throws InterruptedException {
    trainer.awaitEnd(millis);
  }

  // What the training thread asks and tells.

  MemberViews views() {
    return views;
  }

  /** The state before the first step is made: it can be given away. */
  void holds(TrainingState start) {
    state = start;
  }

  /** Can take part from now on. */
  synchronized void ready(JobAssets made, KeptCheckpoints checkpoints) {
    kept = checkpoints;
    assets = made;
    announce();
  }

  /** The next view to train in. */
  synchronized Entered awaitView() throws InterruptedException {
    while (true) {
      Entered now = entered;
      if (now != null && views.isIn(now.view()) && now.take()) {
        return now;
      }
      wait();
    }
  }

  /** Tells that a view cannot go on, unless another one is on its way. */
  synchronized void stalled(Entered now, String error, String culprit) throws InterruptedException {
    long deadline = System.nanoTime() + PROMISE_MILLIS * 1_000_000;
    for (long left = PROMISE_MILLIS; left > 0; left = (deadline - System.nanoTime()) / 1_000_000) {
      if (!views.isIn(now.view())) {
        return;
      }
      wait(left);
    }
    if (views.isIn(now.view())) {
      // The ring is not left yet: its other neighbour would take this member for the culprit.
      now.stall(new Entered.Stall(error, culprit));
      log.info("view {} of {} stalls: {}", now.view(), jobId(), error);
      reports.stalled(jobId(), now.view(), error, culprit);
    }
  }

  /** Tells that the last epoch is over; the first member makes the bundle. */
  synchronized void atTheEnd(JobAssets with, Entered now) {
    if (!views.isIn(now.view()) || closed) {
      return;
    }
    now.end();
    BundleExport made = export;
    exporting = now.isFirst();
    if (!exporting) {
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
        workplace.events().exports(jobId(), new Label(now.view(), trainer.step()));
        made =
            new BundleExport(
                digest,
                new TrainedBundle(workplace, order, now.order(), with, held()),
                this::exported,
                this::failed);
        export = made;
        made.start();
      } else {
        made.storeAgain();
      }
    }
    sayEnded(now);
  }

  private synchronized void exported() {
    exporting = false;
    Entered now = entered;
    if (now != null && now.hasEnded()) {
      sayEnded(now);
    }
  }

  @GuardedBy("this")
  private void sayEnded(Entered now) {
    String manifest = export == null || !now.isFirst() ? "" : export.manifest().orElse("");
    if (views.isIn(now.view())) {
      views.holding().ifPresent(held -> reports.ended(jobId(), held, manifest));
    }
  }

  /** Tells that the job cannot go on, or not here. */
  void failed(Throwable cause) {
    Failure why = Failure.of(cause, workplace.name());
    log.info("job {} fails: {}", jobId(), why.error());
    log.debug("because of", cause);
    synchronized (this) {
      if (!closed && failure == null) {
        failure = why;
        reports.failed(jobId(), why.error(), why.mineAlone());
      }
    }
  }
}
