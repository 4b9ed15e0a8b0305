package io.pulmo.worker;

import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.worker.rpc.PeerCopy;
import io.pulmo.worker.train.TrainingException;
import java.io.IOException;
import java.util.SequencedMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies of the state that a member makes from itself, as another member would. The first copies of
 * a process are several times slower than those to come, and that for which a view waits should not
 * be among them. They also show whether the member can be reached.
 */
final class Rehearsal {
  private static final Logger log = LoggerFactory.getLogger(Rehearsal.class);
  private static final int COPIES = 3;
  private static final int MOST_FAILURES = 3;

  private Rehearsal() {}

  static void run(Workplace workplace, String jobId, JobAssets assets)
      throws InterruptedException, TrainingException {
    Holding start = new Holding(Label.START, "");
    SequencedMap<String, float[]> arrays = assets.start().arrays();
    int failures = 0;
    for (int copies = 0; copies < COPIES; ) {
      try {
        long begun = System.nanoTime();
        String digest = PeerCopy.state(workplace.self(), jobId, start, arrays).digest();
        copies++;
        log.debug("a copy of {} took {} ms", digest, (System.nanoTime() - begun) / 1_000_000);
      } catch (IOException e) {
        failures++;
        if (failures == MOST_FAILURES) {
          throw TrainingException.onlyHere(
              "worker %s cannot be reached under its own address: %s; correct --advertise or --bind"
                  .formatted(workplace.name(), e.getMessage()),
              e);
        }
      }
    }
  }
}
