package io.pulmo.worker;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.worker.checkpoint.CheckpointFolder;
import io.pulmo.worker.ring.RingPlan;
import io.pulmo.worker.rpc.AdoptOrder;
import io.pulmo.worker.rpc.AdoptOrder.Source;
import io.pulmo.worker.rpc.PeerCopy;
import io.pulmo.worker.rpc.Reports;
import io.pulmo.worker.train.TrainingException;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A state on its way into place, on a thread of its own: copied, loaded or made, then verified. */
final class Adoption {
  private static final Logger log = LoggerFactory.getLogger(Adoption.class);

  private final AdoptOrder order;
  private final Workplace workplace;
  private final Reports reports;
  private final JobAssets assets;
  private final BiFunction<AdoptOrder, TrainingState, Answer> putInPlace;
  private final Thread thread;

  @GuardedBy("this")
  private @Nullable Runnable outcome;

  Adoption(
      AdoptOrder order,
      Workplace workplace,
      Reports reports,
      JobAssets assets,
      BiFunction<AdoptOrder, TrainingState, Answer> putInPlace) {
    this.order = order;
    this.workplace = workplace;
    this.reports = reports;
    this.assets = assets;
    this.putInPlace = putInPlace;
    this.thread =
        Thread.ofPlatform().daemon().name("adopt-" + order.view()).unstarted(this::carryOut);
  }

  AdoptOrder order() {
    return order;
  }

  void start() {
    thread.start();
  }

  /** Gives up a copy under way. */
  void cancel() {
    thread.interrupt();
  }

  /** Repeats the answer, if there is one yet. */
  synchronized void sayAgain() {
    if (outcome != null) {
      outcome.run();
    }
  }

  private synchronized void say(Runnable answer) {
    outcome = answer;
    answer.run();
  }

  private void carryOut() {
    long begun = System.nanoTime();
    String jobId = order.jobId();
    long view = order.view();
    try {
      TrainingState adopted = fetch();
      Holding holding = new Holding(order.holding().label(), adopted.digest());
      verify(adopted, holding.digest());
      switch (putInPlace.apply(order, adopted)) {
        case Answer.Done done -> {
          long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
          log.info(
              "job {}: the state at {} is in place after {} ms", jobId, holding.label(), millis);
          workplace
              .events()
              .adopted(
                  jobId,
                  order.source() instanceof Source.Checkpoint,
                  view,
                  holding.label(),
                  holding.digest());
          say(() -> reports.adopted(jobId, view, holding, millis));
        }
        case Answer.Refused refused -> say(() -> reports.refused(jobId, view, refused));
        case Answer.Promised promised -> throw new IllegalStateException("adopting is " + promised);
      }
    } catch (InterruptedException e) {
      log.debug("a state of {} is not wanted any more", jobId, e);
    } catch (IOException | TrainingException | RuntimeException e) {
      log.info("job {}: no state for view {}: {}", jobId, view, e.toString());
      String error = workplace.name() + ": " + e.getMessage();
      say(() -> reports.adoptFailed(jobId, view, error));
    }
  }

  private TrainingState fetch() throws IOException, InterruptedException, TrainingException {
    return switch (order.source()) {
      case Source.Start start -> assets.start();
      case Source.Member member ->
          // The start's arrays are of the right lengths; their contents are written over.
          PeerCopy.state(member.peer(), order.jobId(), order.holding(), assets.start().arrays());
      case Source.Checkpoint checkpoint -> load(checkpoint);
    };
  }

  private TrainingState load(Source.Checkpoint wanted) throws IOException, InterruptedException {
    CheckpointFolder folder = assets.checkpoints();
    IOException failure;
    try {
      return folder.load(wanted.sha256());
    } catch (IOException e) {
      failure = e;
    }
    for (RingPlan.Peer holder : wanted.holders()) {
      if (holder.memberId().equals(workplace.self().memberId())) {
        continue;
      }
      try {
        var unused = PeerCopy.checkpoint(holder, order.jobId(), wanted.sha256(), folder);
        return folder.load(wanted.sha256());
      } catch (IOException e) {
        e.addSuppressed(failure);
        failure = e;
      }
    }
    throw failure;
  }

  private void verify(TrainingState adopted, String digest) throws IOException {
    Holding wanted = order.holding();
    if (adopted.step() != wanted.label().step()
        || !(wanted.digest().isEmpty() || wanted.digest().equals(digest))) {
      throw new IOException(
          "the state that came is of step %d with digest %s, expected %s with %s"
              .formatted(adopted.step(), digest, wanted.label(), wanted.digest()));
    }
  }
}
