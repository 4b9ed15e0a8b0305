package io.pulmo.worker;

import io.pulmo.model.view.Label;
import io.pulmo.node.NoLeaderException;
import io.pulmo.worker.data.ImagePeers;
import io.pulmo.worker.ring.RingAbortedException;
import io.pulmo.worker.ring.RingBrokenException;
import io.pulmo.worker.ring.RingException;
import io.pulmo.worker.rpc.JobOrder;
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
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The thread that trains: it makes ready, then takes part in one view after the other. */
final class Trainer implements TrainingListener {
  private static final Logger log = LoggerFactory.getLogger(Trainer.class);
  private static final long LEADER_PAUSE_MILLIS = 500;

  private final Workplace workplace;
  private final Reports reports;
  private final JobOrder order;
  private final Judgements judgements;
  private final Enlistment enlistment;
  private final StepLoop.Tally tally = new StepLoop.Tally();
  private final Thread thread;
  private @Nullable Trainer before;
  private @Nullable KeptCheckpoints checkpoints;
  private volatile Activity activity = Activity.PREPARING;
  private volatile long step;

  /**
   * A thread that is still to be started.
   *
   * @param before the one whose device must have gone first
   */
  Trainer(
      Workplace workplace,
      Reports reports,
      JobOrder order,
      Judgements judgements,
      Enlistment enlistment,
      @Nullable Trainer before) {
    this.workplace = workplace;
    this.reports = reports;
    this.order = order;
    this.judgements = judgements;
    this.enlistment = enlistment;
    this.before = before;
    this.thread = Thread.ofPlatform().daemon().name("train-" + order.jobId()).unstarted(this::work);
  }

  void start() {
    thread.start();
  }

  void interrupt() {
    thread.interrupt();
  }

  void awaitEnd(long millis) throws InterruptedException {
    thread.join(millis);
  }

  Activity activity() {
    return activity;
  }

  /** Steps taken since the job's start, in the state that is held. */
  long step() {
    return step;
  }

  /** Another state is in place. */
  void startsAt(long steps) {
    step = steps;
  }

  private void work() {
    try {
      awaitBefore();
      JobAssets made = prepare();
      try (made) {
        TrainingState start = made.start();
        enlistment.holds(start);
        Rehearsal.run(workplace, order.jobId(), made);
        try (KeptCheckpoints kept =
            new KeptCheckpoints(order.jobId(), made.checkpoints(), start, reports)) {
          checkpoints = kept;
          activity = Activity.IDLE;
          enlistment.ready(made, kept);
          while (true) {
            turn(made, enlistment.awaitView());
          }
        }
      } finally {
        if (enlistment.isDischarged()) {
          made.images().discard();
        }
      }
    } catch (InterruptedException e) {
      log.debug("the training thread of {} ends", order.jobId(), e);
    } catch (IOException | TrainingException | RuntimeException | Error e) {
      enlistment.failed(e);
    }
  }

  /** The one before was told to end and does so soon; the next waits for this one alone. */
  private void awaitBefore() throws InterruptedException {
    Trainer earlier = before;
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

  private JobAssets prepare() throws IOException, InterruptedException, TrainingException {
    while (true) {
      try {
        return JobAssets.prepare(workplace, order, Runtime.getRuntime().availableProcessors());
      } catch (NoLeaderException e) {
        log.info("job {} is not ready: {}", order.jobId(), e.getMessage());
        Thread.sleep(LEADER_PAUSE_MILLIS);
      }
    }
  }

  private void turn(JobAssets with, Entered now) throws InterruptedException, TrainingException {
    with.images()
        .enter(
            now.order().ring().members().stream()
                .filter(peer -> !peer.equals(now.order().ring().self()))
                .map(peer -> new ImagePeers.Peer(peer.memberId(), peer.name(), peer.address()))
                .toList());
    with.tools().device().useThreads(now.order().seat().threads());
    TrainingState trained = enlistment.held();
    try {
      StepLoop loop =
          new StepLoop(
              with.plan(),
              trained,
              new Turn(now.order().view(), now.order().restores(), enlistment.views(), now.ring()),
              with.tools(),
              tally,
              this);
      if (loop.run()) {
        enlistment.atTheEnd(with, now);
      }
    } catch (TrainingException e) {
      if (enlistment.views().isIn(now.view())) {
        throw e;
      }
      // Such as an image of a peer that is lost, which the next view knows.
      log.info("view {} of {} is left with: {}", now.view(), order.jobId(), e.getMessage());
    } catch (RingAbortedException e) {
      log.debug("view {} of {} is left", now.view(), order.jobId(), e);
    } catch (RingBrokenException e) {
      enlistment.stalled(now, String.valueOf(e.getMessage()), e.memberId());
    } catch (RingException e) {
      enlistment.stalled(now, String.valueOf(e.getMessage()), "");
    } finally {
      turnsTo(Activity.IDLE);
    }
  }

  @Override
  public void turnsTo(Activity now) {
    boolean validated = activity == Activity.VALIDATING;
    activity = now;
    if (validated != (now == Activity.VALIDATING)) {
      workplace.events().validates(order.jobId(), !validated, step);
    }
  }

  @Override
  public void stepped(StepReport report) {
    step = report.label().step();
    workplace.events().stepped(order.jobId(), report);
    reports.stepped(order.jobId(), report);
  }

  @Override
  public void judged(Judgement judgement) {
    judgements.add(enlistment.views().enteredView(), judgement);
  }

  @Override
  public void checkpoint(Label label, TrainingState copied) {
    KeptCheckpoints to = checkpoints;
    if (to != null) {
      to.take(label, copied);
    }
  }
}
