package io.pulmo.worker;

import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.worker.rpc.PeerCopy;
import io.pulmo.worker.train.TrainingException;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A copy of the state that a member makes from itself, as another member would. The first copy of a
 * process is the slowest, and that for which a view waits should not be the first. It also shows
 * whether the member can be reached.
 */
final class Rehearsal {
  private static final Logger log = LoggerFactory.getLogger(Rehearsal.class);
  private static final int TRIES = 3;

  private Rehearsal() {}

  static void run(Workplace workplace, String jobId, JobAssets assets)
      throws InterruptedException, TrainingException {
    Holding start = new Holding(Label.START, "");
    IOException failure = null;
    for (int i = 0; i < TRIES; i++) {
      try {
        String digest =
            PeerCopy.state(workplace.self(), jobId, start, assets.start().arrays()).digest();
        log.debug("rehearsed a copy of {}", digest);
        return;
      } catch (IOException e) {
        failure = e;
      }
    }
    throw TrainingException.onlyHere(
        "worker %s cannot be reached under its own address: %s; correct --advertise or --bind"
            .formatted(workplace.name(), failure),
        failure);
  }
}
