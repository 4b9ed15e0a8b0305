package io.pulmo.worker.rpc;

import io.pulmo.node.LeaderFollower;
import io.pulmo.node.NoLeaderException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's tie to whoever leads: a control stream that is opened again, to the leader of the
 * time, whenever it ends.
 */
public final class ControlLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ControlLink.class);
  private static final long FIRST_PAUSE_MILLIS = 100;
  private static final long LONGEST_PAUSE_MILLIS = 1_000;
  private static final long CLOSE_MILLIS = 2_000;

  private final Identity identity;
  private final LeaderFollower follower;
  private final Outbox outbox = new Outbox(System::nanoTime);
  private final Reports reports = new Reports(outbox);
  private volatile @Nullable ControlStream stream;
  private @Nullable Thread thread;

  /**
   * A link that is still to be started.
   *
   * @param follower finds the leader; not closed here
   */
  public ControlLink(Identity identity, LeaderFollower follower) {
    this.identity = identity;
    this.follower = follower;
  }

  /** Where the worker says what it does. */
  public Reports reports() {
    return reports;
  }

  /** Whether a leader has taken this worker in and the stream to it is up. */
  public boolean isWelcomed() {
    ControlStream open = stream;
    return open != null && open.isWelcomed();
  }

  /** Goes looking for the leader; call once. */
  public void start(Orders orders) {
    thread = Thread.ofPlatform().daemon().name("control-link").start(() -> stayAttached(orders));
  }

  private void stayAttached(Orders orders) {
    long pauseMillis = FIRST_PAUSE_MILLIS;
    try {
      while (true) {
        String end;
        boolean welcomed = false;
        try {
          ControlStream open = new ControlStream(identity, follower, outbox, reports, orders);
          stream = open;
          try {
            end = open.run();
          } finally {
            stream = null;
            welcomed = open.wasWelcomed();
          }
        } catch (NoLeaderException e) {
          end = String.valueOf(e.getMessage());
        } catch (RuntimeException e) {
          // Whatever it is: a worker that gave up here would stay, and never be heard of again.
          log.error("the control stream of {} failed", identity.name(), e);
          end = e.toString();
        }
        outbox.close();
        orders.detached();
        follower.forgetLeader();
        log.info("{} is not attached to a leader: {}", identity.name(), end);
        pauseMillis =
            welcomed ? FIRST_PAUSE_MILLIS : Math.min(LONGEST_PAUSE_MILLIS, 2 * pauseMillis);
        Thread.sleep(pauseMillis);
      }
    } catch (InterruptedException e) {
      log.debug("{} leaves", identity.name());
    }
  }

  /** Ends the stream, which tells the leader that this worker is gone. */
  @Override
  public void close() {
    Thread running = thread;
    if (running == null) {
      return;
    }
    running.interrupt();
    try {
      running.join(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
