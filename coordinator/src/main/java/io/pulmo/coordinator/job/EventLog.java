package io.pulmo.coordinator.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintStream;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a leader did, one JSON object a line, for those who measure a cluster from outside. Safe for
 * use by several threads.
 */
public final class EventLog {
  /** What happened. */
  public enum Kind {
    /** This coordinator leads from now on. */
    LEAD,
    /** It leads no more; the cause says why. */
    DEPOSED,
    /** A view is written. */
    VIEW,
    /** Every member of the view has reported the step. */
    COMMIT,
    /** A member is gone. */
    EVICT,
    /** A member is slow, and the cause says why; with no cause it is slow no more. */
    SLOW,
    /** A checkpoint may be restored from. */
    PUBLISH,
    /** A job is completed. */
    COMPLETE
  }

  private static final JsonMapper JSON = new JsonMapper();

  private final Optional<PrintStream> out;
  private final InstantSource clock;
  private final long epoch;

  private EventLog(Optional<PrintStream> out, InstantSource clock, long epoch) {
    this.out = out;
    this.clock = clock;
    this.epoch = epoch;
  }

  /** One that writes nothing. */
  public static EventLog none() {
    return new EventLog(Optional.empty(), InstantSource.system(), 0);
  }

  /** One that writes lines and flushes each. */
  public static EventLog to(PrintStream out, InstantSource clock) {
    return new EventLog(Optional.of(out), clock, 0);
  }

  /** The same, of a leader with that epoch. */
  public EventLog ofEpoch(long leaderEpoch) {
    return new EventLog(out, clock, leaderEpoch);
  }

  /** Something happened to the leader or a member. */
  public void write(Kind kind, String memberId, String cause) {
    write(kind, "", 0, 0, memberId, cause);
  }

  /** Something happened to a job. */
  public void write(Kind kind, String jobId, long view, long step, String memberId, String cause) {
    if (out.isEmpty()) {
      return;
    }
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("t_millis", clock.millis());
    event.put("kind", kind.name().toLowerCase(Locale.ROOT));
    event.put("epoch", epoch);
    if (!jobId.isEmpty()) {
      event.put("job", jobId);
      event.put("view", view);
      event.put("step", step);
    }
    if (!memberId.isEmpty()) {
      event.put("member", memberId);
    }
    event.put("cause", cause);
    PrintStream to = out.get();
    try {
      // One call a line: lines of several threads do not mix.
      to.print(JSON.writeValueAsString(event) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("every event can be written as JSON", e);
    }
    to.flush();
  }
}
