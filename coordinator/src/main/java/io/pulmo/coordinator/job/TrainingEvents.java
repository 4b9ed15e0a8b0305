package io.pulmo.coordinator.job;

import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.model.view.ViewLeader;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the logs what has come about in a training, each thing once; it changes nothing. */
final class TrainingEvents {
  private static final Logger log = LoggerFactory.getLogger(TrainingEvents.class);

  private final Job job;
  private final ViewLeader leader;
  private final Speeds speeds;
  private final EventLog events;
  private final Set<String> toldSlow = new HashSet<>();
  private long toldView;
  private long toldStep;
  private String toldCheckpoint;

  /** Of a training; what its record holds already was told by others. */
  TrainingEvents(Job job, ViewLeader leader, Speeds speeds, EventLog events) {
    this.job = job;
    this.leader = leader;
    this.speeds = speeds;
    this.events = events;
    toldView = leader.view().map(View::id).orElse(0L);
    toldStep = leader.committedStep();
    toldCheckpoint = newestCheckpoint();
  }

  /** Looks for what is new, while that is the view. */
  void tell(View now) {
    if (now.id() != toldView) {
      toldView = now.id();
      log.info(
          "job {} is in view {} of {} workers, from step {}: {}",
          job.id(),
          now.id(),
          now.seats().size(),
          now.continues().step(),
          leader.lastCause());
      write(EventLog.Kind.VIEW, now, now.continues().step(), "", leader.lastCause());
    }
    long committed = leader.committedStep();
    if (committed != toldStep) {
      toldStep = committed;
      write(EventLog.Kind.COMMIT, now, committed, "", "");
    }
    String newest = newestCheckpoint();
    if (!newest.equals(toldCheckpoint)) {
      toldCheckpoint = newest;
      if (!newest.isEmpty()) {
        long step = leader.published().getLast().label().step();
        write(EventLog.Kind.PUBLISH, now, step, "", newest);
      }
    }
    slow(now);
  }

  private void slow(View now) {
    Map<String, String> slow = speeds.slow();
    for (Seat seat : now.seats()) {
      String id = seat.memberId();
      String why = slow.getOrDefault(id, "");
      if (why.isEmpty() ? toldSlow.remove(id) : toldSlow.add(id)) {
        log.info("job {}: {} is {}", job.id(), seat.name(), why.isEmpty() ? "slow no more" : why);
        write(EventLog.Kind.SLOW, now, leader.committedStep(), id, why);
      }
    }
    toldSlow.retainAll(slow.keySet());
  }

  /** The SHA-256 of the one published last, empty for none: their number stays when old ones go. */
  private String newestCheckpoint() {
    List<ViewJournal.Published> published = leader.published();
    return published.isEmpty() ? "" : published.getLast().sha256();
  }

  private void write(EventLog.Kind kind, View view, long step, String memberId, String cause) {
    events.write(kind, job.id(), view.id(), step, memberId, cause);
  }
}
