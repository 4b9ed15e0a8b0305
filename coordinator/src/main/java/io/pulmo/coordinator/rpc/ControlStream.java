package io.pulmo.coordinator.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.coordinator.job.Order;
import io.pulmo.coordinator.job.Pulse;
import io.pulmo.coordinator.job.WorkerLine;
import io.pulmo.coordinator.membership.Presence;
import io.pulmo.coordinator.membership.ProtocolVersion;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.Heartbeat;
import io.pulmo.proto.Hello;
import io.pulmo.proto.WorkerMessage;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's control stream, both ways. What comes in waits for the coordinator's loop one message
 * at a time, so that no worker can make the line long; heartbeats do not wait.
 */
final class ControlStream implements StreamObserver<WorkerMessage>, WorkerLine {
  private static final CoordinatorMessage HEARTBEAT =
      CoordinatorMessage.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance()).build();

  private static final Logger log = LoggerFactory.getLogger(ControlStream.class);
  private static final int LONGEST_VERSION = 80;

  /** Where what comes in goes, on the loop's thread. */
  interface Owner {
    void received(ControlStream stream, WorkerMessage message);

    void ended(ControlStream stream, String cause);
  }

  private final ServerCallStreamObserver<CoordinatorMessage> out;
  private final Loop loop;
  private final Owner owner;
  private final long leaderEpoch;
  private final DialBack dialBack;
  private volatile long openedNanos;
  private volatile @Nullable Presence presence;
  private volatile @Nullable Pulse pulse;

  @GuardedBy("this")
  private boolean closed;

  ControlStream(
      ServerCallStreamObserver<CoordinatorMessage> out,
      Loop loop,
      Owner owner,
      long leaderEpoch,
      DialBack dialBack,
      long openedNanos) {
    this.out = out;
    this.loop = loop;
    this.owner = owner;
    this.leaderEpoch = leaderEpoch;
    this.dialBack = dialBack;
    this.openedNanos = openedNanos;
    out.disableAutoRequest();
    out.setOnCancelHandler(() -> end("the control stream broke off"));
    out.request(1);
  }

  @Override
  public void onNext(WorkerMessage message) {
    Presence heard = presence;
    if (heard != null) {
      heard.heard();
    }
    if (message.hasHeartbeat()) {
      pulse = ReportWire.pulse(message.getHeartbeat(), System.nanoTime());
      out.request(1);
    } else if (message.hasHello() && heard == null) {
      // Nothing more is asked for meanwhile; the time that it takes is not the worker's.
      openedNanos = System.nanoTime();
      Thread.ofVirtual().name("pulmo-greeting").start(() -> greet(message));
    } else {
      pass(message);
    }
  }

  /** Lets the owner hear Hello once it is clear that the worker can take part. */
  private void greet(WorkerMessage message) {
    try {
      Hello hello = message.getHello();
      Optional<String> refusal =
          ProtocolVersion.refusal(
              hello.getProtocolVersion(), Wire.text(hello.getVersion(), LONGEST_VERSION));
      if (refusal.isEmpty()) {
        refusal = dialBack.refusal(Wire.ringAddress(hello.getRingAddress()));
      }
      if (refusal.isPresent()) {
        refuse(Status.FAILED_PRECONDITION.withDescription(refusal.get()));
      } else {
        pass(message);
      }
    } catch (StatusRuntimeException e) {
      refuse(e.getStatus());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      refuse(Status.CANCELLED);
    }
  }

  private void refuse(Status status) {
    log.warn("a worker is refused: {}", status.getDescription());
    close(status);
    end("it was refused");
  }

  private void pass(WorkerMessage message) {
    if (!loop.post(
        () -> {
          owner.received(this, message);
          out.request(1);
        })) {
      close(Status.UNAVAILABLE.withDescription("the coordinator is too busy: attach again"));
      end("the coordinator was too busy to hear it");
    }
  }

  @Override
  public void onError(Throwable t) {
    end("the control stream broke off");
  }

  @Override
  public void onCompleted() {
    end("the control stream ended");
    close(Status.OK);
  }

  private void end(String cause) {
    loop.postAlways(() -> owner.ended(this, cause));
  }

  /** Who speaks, once Hello has come. */
  @Nullable Presence presence() {
    return presence;
  }

  void is(Presence member) {
    presence = member;
  }

  long openedNanos() {
    return openedNanos;
  }

  @Override
  public void send(Order order) {
    send(OrderWire.message(order, leaderEpoch));
  }

  @Override
  public Optional<Pulse> pulse() {
    return Optional.ofNullable(pulse);
  }

  /** Tells the worker that its leader lives; left out while the worker takes nothing. */
  synchronized void beat() {
    if (!closed && out.isReady()) {
      try {
        out.onNext(HEARTBEAT);
      } catch (RuntimeException e) {
        // One broken stream must not keep the heartbeats from the others.
        end("the control stream takes nothing: " + e.getMessage());
      }
    }
  }

  synchronized void send(CoordinatorMessage message) {
    if (!closed) {
      out.onNext(message);
    }
  }

  /** Ends the stream from this side. */
  synchronized void close(Status status) {
    if (closed) {
      return;
    }
    closed = true;
    if (status.isOk()) {
      out.onCompleted();
    } else {
      out.onError(status.asRuntimeException());
    }
  }
}
