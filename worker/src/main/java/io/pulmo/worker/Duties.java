package io.pulmo.worker;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.model.view.Holding;
import io.pulmo.worker.rpc.AdoptOrder;
import io.pulmo.worker.rpc.InstallOrder;
import io.pulmo.worker.rpc.JobOrder;
import io.pulmo.worker.rpc.Orders;
import io.pulmo.worker.rpc.PeerService;
import io.pulmo.worker.rpc.Pulse;
import io.pulmo.worker.rpc.Reports;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a worker is told to do: one job at a time, by order of the newest leader. */
final class Duties implements Orders, PeerService.Holdings, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Duties.class);
  private static final long CLOSE_MILLIS = 3_000;
  private static final long LEADERLESS_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long LEAVING_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Workplace workplace;
  private final Reports reports;

  @GuardedBy("this")
  private long highestEpoch;

  @GuardedBy("this")
  private boolean leaving;

  @GuardedBy("this")
  private boolean released;

  @GuardedBy("this")
  private boolean attached;

  @GuardedBy("this")
  private long detachedNanos = System.nanoTime();

  /** The one before the current one, whose thread may still be at work. */
  @GuardedBy("this")
  private @Nullable Enlistment ending;

  private volatile @Nullable Enlistment current;

  Duties(Workplace workplace, Reports reports) {
    this.workplace = workplace;
    this.reports = reports;
  }

  @Override
  public synchronized boolean heard(long leaderEpoch) {
    if (leaderEpoch < highestEpoch) {
      return false;
    }
    highestEpoch = leaderEpoch;
    Enlistment now = current;
    return now == null || now.heard(leaderEpoch);
  }

  @Override
  public synchronized void attached() {
    attached = true;
    Enlistment now = current;
    if (now != null) {
      now.announce();
    }
    if (leaving) {
      reports.leaving();
    }
  }

  @Override
  public synchronized void detached() {
    if (attached) {
      attached = false;
      detachedNanos = System.nanoTime();
    }
  }

  @Override
  public synchronized void enlist(JobOrder order) {
    if (!heard(order.leaderEpoch())) {
      log.info("job {} is refused: it is of leader epoch {}", order.jobId(), order.leaderEpoch());
      return;
    }
    Enlistment now = current;
    if (now != null && now.jobId().equals(order.jobId())) {
      now.announce();
      return;
    }
    if (now != null) {
      now.close("job " + order.jobId() + " takes its place");
      ending = now;
    }
    Enlistment next = new Enlistment(workplace, reports, order, highestEpoch, ending);
    current = next;
    ending = null;
    next.start();
  }

  @Override
  public synchronized void discharge(String jobId, String reason) {
    Enlistment now = find(jobId);
    if (now != null) {
      now.discharge(reason);
      current = null;
      ending = now;
      notifyAll();
    }
  }

  private @Nullable Enlistment find(String jobId) {
    Enlistment now = current;
    return now != null && now.jobId().equals(jobId) ? now : null;
  }

  @Override
  public synchronized void prepare(String jobId, long leaderEpoch, long view) {
    Enlistment now = find(jobId);
    if (now != null) {
      now.prepare(leaderEpoch, view);
    }
  }

  @Override
  public synchronized void adopt(AdoptOrder order) {
    Enlistment now = find(order.jobId());
    if (now != null) {
      now.adopt(order);
    }
  }

  @Override
  public synchronized void install(InstallOrder order) {
    Enlistment now = find(order.jobId());
    if (now != null) {
      now.install(order);
    }
  }

  @Override
  public synchronized void keep(String jobId, List<String> sha256) {
    Enlistment now = find(jobId);
    if (now != null) {
      now.keep(sha256);
    }
  }

  @Override
  public synchronized void released() {
    released = true;
    notifyAll();
  }

  @Override
  public Pulse pulse() {
    Enlistment now = current;
    return now == null ? Pulse.IDLE : now.pulse();
  }

  @Override
  public Held state(String jobId, Holding wanted) throws PeerService.NotHeldException {
    Enlistment now = find(jobId);
    if (now == null) {
      throw notEnlisted(jobId);
    }
    return now.held(wanted);
  }

  @Override
  public Path checkpoint(String jobId, String sha256) throws PeerService.NotHeldException {
    Enlistment now = find(jobId);
    if (now == null) {
      throw notEnlisted(jobId);
    }
    return now.checkpoint(sha256);
  }

  private PeerService.NotHeldException notEnlisted(String jobId) {
    return new PeerService.NotHeldException(
        workplace.name() + " is not enlisted in job '" + jobId + "'", false);
  }

  /** Leaves its job in good order: returns when a view without this worker is there. */
  synchronized void leave() throws InterruptedException {
    leaving = true;
    reports.leaving();
    long deadline = System.nanoTime() + LEAVING_NANOS;
    while (current != null && !released) {
      long now = System.nanoTime();
      if (now - deadline > 0 || (!attached && now - detachedNanos > LEADERLESS_NANOS)) {
        log.warn("{} leaves without the leader's consent", workplace.name());
        return;
      }
      wait(100);
    }
    workplace.events().left();
  }

  /** Stops what runs and waits a moment for its end. */
  @Override
  public void close() {
    Enlistment now;
    synchronized (this) {
      now = current;
      current = null;
    }
    if (now == null) {
      return;
    }
    now.close("the worker is closing");
    try {
      now.awaitEnd(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
