package io.pulmo.worker.rpc;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.pulmo.node.HostPort;
import io.pulmo.node.LeaderFollower;
import io.pulmo.proto.Activity;
import io.pulmo.proto.Adopt;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.Enlist;
import io.pulmo.proto.Heartbeat;
import io.pulmo.proto.Hello;
import io.pulmo.proto.Install;
import io.pulmo.proto.Prepare;
import io.pulmo.proto.Welcome;
import io.pulmo.proto.WorkerMessage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One control stream: the thread that runs it alone writes, heartbeats and reports; gRPC's threads
 * hand over what comes in.
 */
final class ControlStream implements ClientResponseObserver<WorkerMessage, CoordinatorMessage> {
  private static final long HEARTBEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long NOT_READY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final Identity identity;
  private final LeaderFollower follower;
  private final Outbox outbox;
  private final Reports reports;
  private final Orders orders;
  private volatile @Nullable ClientCallStreamObserver<WorkerMessage> call;
  private volatile long lastHeardNanos;
  private volatile boolean welcomed;
  private volatile @Nullable String end;

  ControlStream(
      Identity identity, LeaderFollower follower, Outbox outbox, Reports reports, Orders orders) {
    this.identity = identity;
    this.follower = follower;
    this.outbox = outbox;
    this.reports = reports;
    this.orders = orders;
  }

  boolean isWelcomed() {
    return welcomed && end == null;
  }

  /** Whether a leader took this worker in, even if the stream has ended since. */
  boolean wasWelcomed() {
    return welcomed;
  }

  /** Keeps the stream up until it ends, and says why it did. */
  String run() throws InterruptedException {
    var unused = CoordinatorGrpc.newStub(follower.channel()).attach(this);
    ClientCallStreamObserver<WorkerMessage> out = call;
    if (out == null) {
      throw new IllegalStateException("gRPC starts a call by handing over its observer");
    }
    lastHeardNanos = System.nanoTime();
    try {
      out.onNext(hello());
      return write(out);
    } finally {
      // Whatever else comes on it is of a leader that was left.
      end = "left";
      out.cancel("the worker leaves this stream", null);
    }
  }

  private String write(ClientCallStreamObserver<WorkerMessage> out) throws InterruptedException {
    long nextBeatNanos = System.nanoTime();
    while (true) {
      String ended = end;
      if (ended != null) {
        return ended;
      }
      long now = System.nanoTime();
      if (now - lastHeardNanos > SILENCE_NANOS) {
        return "the leader was silent for " + TimeUnit.NANOSECONDS.toSeconds(SILENCE_NANOS) + " s";
      }
      if (outbox.hasOverflowed()) {
        return "the leader does not take what it is told";
      }
      if (!out.isReady()) {
        LockSupport.parkNanos(NOT_READY_NANOS);
        if (Thread.interrupted()) {
          throw new InterruptedException("interrupted while the control stream was full");
        }
        continue;
      }
      WorkerMessage message = now - nextBeatNanos >= 0 ? heartbeat() : null;
      if (message == null) {
        message = outbox.next(nextBeatNanos - now);
      } else {
        nextBeatNanos = now + HEARTBEAT_NANOS;
      }
      if (message != null) {
        out.onNext(message);
      }
    }
  }

  private WorkerMessage hello() {
    return WorkerMessage.newBuilder()
        .setHello(
            Hello.newBuilder()
                .setMemberId(identity.memberId())
                .setName(identity.name())
                .setRingAddress(identity.ringAddress().toString())
                .setHostId(identity.hostId())
                .setCores(identity.cores())
                .setDevice(identity.device())
                .setProtocolVersion(identity.protocolVersion())
                .setVersion(identity.version())
                .setMemoryBytes(identity.memoryBytes())
                .setReplacesMemberId(identity.replacesMemberId()))
        .build();
  }

  private WorkerMessage heartbeat() {
    Pulse pulse = orders.pulse();
    Heartbeat.Builder beat =
        Heartbeat.newBuilder()
            .setJobId(pulse.jobId())
            .setView(pulse.view())
            .setStep(pulse.step())
            .setActivity(activity(pulse.activity()));
    pulse
        .waiting()
        .ifPresent(
            waiting ->
                beat.setWaitingOnMemberId(waiting.peer().memberId())
                    .setWaitingMillis(
                        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - waiting.sinceNanos())));
    return WorkerMessage.newBuilder().setHeartbeat(beat).build();
  }

  private static Activity activity(io.pulmo.worker.train.Activity activity) {
    return switch (activity) {
      case PREPARING -> Activity.ACTIVITY_PREPARING;
      case IDLE -> Activity.ACTIVITY_IDLE;
      case DATA -> Activity.ACTIVITY_DATA;
      case COMPUTING -> Activity.ACTIVITY_COMPUTING;
      case RING -> Activity.ACTIVITY_RING;
      case APPLYING -> Activity.ACTIVITY_APPLYING;
      case VALIDATING -> Activity.ACTIVITY_VALIDATING;
      case EXPORTING -> Activity.ACTIVITY_EXPORTING;
    };
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<WorkerMessage> requests) {
    call = requests;
  }

  @Override
  public void onNext(CoordinatorMessage message) {
    if (end != null) {
      return;
    }
    lastHeardNanos = System.nanoTime();
    switch (message.getKindCase()) {
      case WELCOME -> welcome(message.getWelcome());
      case ENLIST -> enlist(message.getEnlist());
      case DISCHARGE ->
          orders.discharge(message.getDischarge().getJobId(), message.getDischarge().getReason());
      case PREPARE -> {
        Prepare prepare = message.getPrepare();
        orders.prepare(prepare.getJobId(), prepare.getLeaderEpoch(), prepare.getView());
      }
      case ADOPT -> adopt(message.getAdopt());
      case INSTALL -> install(message.getInstall());
      case KEEP_CHECKPOINTS ->
          orders.keep(
              message.getKeepCheckpoints().getJobId(),
              message.getKeepCheckpoints().getSha256List());
      case RELEASED -> orders.released();
      default -> {}
    }
  }

  private void welcome(Welcome welcome) {
    if (!orders.heard(welcome.getEpoch())) {
      end =
          "its leader's epoch %d is over, a newer one has been heard; after a new start with an empty ZooKeeper, restart this worker"
              .formatted(welcome.getEpoch());
      return;
    }
    try {
      follower.learn(welcome.getCoordinatorsList().stream().map(HostPort::parse).toList());
    } catch (IllegalArgumentException e) {
      end = "unreadable Welcome: " + e.getMessage();
      return;
    }
    welcomed = true;
    outbox.open();
    orders.attached();
  }

  private void enlist(Enlist enlist) {
    try {
      orders.enlist(JobOrder.of(enlist));
    } catch (IllegalArgumentException e) {
      reports.failed(
          enlist.getJobId(), identity.name() + " refused the job: " + e.getMessage(), true);
    }
  }

  private void adopt(Adopt adopt) {
    try {
      orders.adopt(AdoptOrder.of(adopt));
    } catch (IllegalArgumentException e) {
      reports.adoptFailed(adopt.getJobId(), adopt.getView(), String.valueOf(e.getMessage()));
    }
  }

  private void install(Install install) {
    try {
      orders.install(InstallOrder.of(install, identity.memberId()));
    } catch (IllegalArgumentException e) {
      reports.stalled(install.getJobId(), install.getView(), String.valueOf(e.getMessage()), "");
    }
  }

  @Override
  public void onError(Throwable error) {
    Status status = Status.fromThrowable(error);
    String words =
        status.getDescription() == null
            ? status.getCode().toString()
            : status.getCode() + ": " + status.getDescription();
    Throwable cause = status.getCause();
    end = cause == null ? words : words + ": " + cause.getMessage();
  }

  @Override
  public void onCompleted() {
    end = "the leader closed it";
  }
}
