package io.pulmo.worker.ring;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.Opening;
import io.pulmo.proto.PassSummary;
import io.pulmo.proto.RingGrpc;
import io.pulmo.proto.RingMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A process's end of all its rings: brings the streams that come in to the view they are for. */
public final class RingService extends RingGrpc.RingImplBase implements AutoCloseable {
  // Members learn of a view at slightly different times, so a stream may come before its view is
  // installed: it is held for a while. Lock order: this service, then an AllReduce.

  /** The largest message that a member sends: proto says so. */
  public static final int MESSAGE_BYTES = 1 << 20;

  private static final int MOST_HELD = 16;

  private record Link(String jobId, long view, String sender, String receiver) {}

  private static final class Held {
    private final Future<?> expiry;
    private @Nullable Link link;

    Held(Future<?> expiry) {
      this.expiry = expiry;
    }
  }

  private final int pieceElements;
  private final long holdMillis;
  private final ScheduledThreadPoolExecutor timer;

  @GuardedBy("this")
  private final Map<Link, AllReduce> installed = new HashMap<>();

  @GuardedBy("this")
  private final Map<Inbound, Held> held = new HashMap<>();

  @GuardedBy("this")
  private boolean closed;

  /** A service that knows no ring yet. */
  public RingService() {
    this(AllReduce.PIECE_ELEMENTS, 10_000);
  }

  RingService(int pieceElements, long holdMillis) {
    this.pieceElements = pieceElements;
    this.holdMillis = holdMillis;
    this.timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("ring-hold").factory());
    // Streams that come and go must not pile up their expiries.
    timer.setRemoveOnCancelPolicy(true);
  }

  /**
   * Enters a ring: opens the stream to the successor and takes the predecessor's.
   *
   * @param connect opens a channel to a member; the ring shuts it down when it is left
   * @throws IllegalStateException if this member is in that view already
   */
  public AllReduce join(RingPlan plan, Function<RingPlan.Peer, ManagedChannel> connect) {
    Link link =
        new Link(plan.jobId(), plan.view(), plan.predecessor().memberId(), plan.self().memberId());
    AllReduce ring;
    Inbound waiting = null;
    synchronized (this) {
      if (installed.containsKey(link)) {
        throw new IllegalStateException(
            "view " + plan.view() + " of job " + plan.jobId() + " is installed already");
      }
      ring = new AllReduce(plan, pieceElements, connect, () -> leave(link));
      installed.put(link, ring);
      for (Map.Entry<Inbound, Held> entry : held.entrySet()) {
        if (link.equals(entry.getValue().link) && ring.attach(entry.getKey())) {
          waiting = entry.getKey();
          break;
        }
      }
      if (waiting != null) {
        release(waiting);
      }
    }
    if (waiting != null) {
      waiting.attached(ring);
    }
    return ring;
  }

  private synchronized void leave(Link link) {
    installed.remove(link);
  }

  @Override
  public StreamObserver<RingMessage> pass(StreamObserver<PassSummary> responses) {
    ServerCallStreamObserver<PassSummary> call = (ServerCallStreamObserver<PassSummary>) responses;
    call.disableAutoRequest();
    Inbound inbound = new Inbound(this, call);
    // With a handler set, answering a call that was cancelled meanwhile does not throw.
    call.setOnCancelHandler(() -> forget(inbound));
    Status refusal = hold(inbound);
    if (refusal == null) {
      call.request(1);
    } else {
      inbound.fail(refusal);
    }
    return inbound;
  }

  private synchronized @Nullable Status hold(Inbound inbound) {
    if (closed) {
      return Status.UNAVAILABLE.withDescription("the worker is closing");
    }
    if (held.size() >= MOST_HELD) {
      return Status.RESOURCE_EXHAUSTED.withDescription(
          MOST_HELD + " streams wait for their view already; try again");
    }
    held.put(
        inbound,
        new Held(timer.schedule(() -> expire(inbound), holdMillis, TimeUnit.MILLISECONDS)));
    return null;
  }

  void open(Inbound inbound, Opening opening) {
    Link link =
        new Link(
            opening.getJobId(),
            opening.getView(),
            opening.getSenderMemberId(),
            opening.getReceiverMemberId());
    AllReduce ring;
    boolean taken;
    synchronized (this) {
      Held entry = held.get(inbound);
      if (entry == null) {
        return;
      }
      ring = installed.get(link);
      if (ring == null) {
        entry.link = link;
        return;
      }
      release(inbound);
      taken = ring.attach(inbound);
    }
    if (taken) {
      inbound.attached(ring);
    } else {
      inbound.fail(
          Status.FAILED_PRECONDITION.withDescription(
              "member " + link.sender + " has a stream in view " + link.view + " already"));
    }
  }

  private void expire(Inbound inbound) {
    Held entry;
    synchronized (this) {
      entry = held.remove(inbound);
    }
    if (entry != null) {
      Link link = entry.link;
      inbound.fail(
          Status.FAILED_PRECONDITION.withDescription(
              link == null
                  ? "no Opening came within " + holdMillis + " ms"
                  : "no ring here in which member %s sends to member %s: job %s, view %d"
                      .formatted(link.sender, link.receiver, link.jobId, link.view)));
    }
  }

  synchronized void forget(Inbound inbound) {
    release(inbound);
  }

  @GuardedBy("this")
  private void release(Inbound inbound) {
    Held entry = held.remove(inbound);
    if (entry != null) {
      entry.expiry.cancel(false);
    }
  }

  /** Leaves all rings. */
  @Override
  public void close() {
    List<AllReduce> rings;
    List<Inbound> streams;
    synchronized (this) {
      closed = true;
      timer.shutdownNow();
      streams = new ArrayList<>(held.keySet());
      held.clear();
      rings = new ArrayList<>(installed.values());
    }
    for (AllReduce ring : rings) {
      ring.abort("the worker is closing");
    }
    for (Inbound stream : streams) {
      stream.fail(Status.UNAVAILABLE.withDescription("the worker is closing"));
    }
  }
}
