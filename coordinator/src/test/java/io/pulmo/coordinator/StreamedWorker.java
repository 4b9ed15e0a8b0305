package io.pulmo.coordinator;

import static org.junit.jupiter.api.Assertions.fail;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.pulmo.coordinator.membership.ProtocolVersion;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.proto.Adopt;
import io.pulmo.proto.Adopted;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.Discharge;
import io.pulmo.proto.Enlist;
import io.pulmo.proto.Enlisted;
import io.pulmo.proto.EpochReport;
import io.pulmo.proto.Heartbeat;
import io.pulmo.proto.Hello;
import io.pulmo.proto.Install;
import io.pulmo.proto.Installed;
import io.pulmo.proto.Prepare;
import io.pulmo.proto.Promised;
import io.pulmo.proto.Refused;
import io.pulmo.proto.RunId;
import io.pulmo.proto.StateHolding;
import io.pulmo.proto.StateLabel;
import io.pulmo.proto.StepReport;
import io.pulmo.proto.TrainingEnded;
import io.pulmo.proto.WorkerMessage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A worker as the coordinator sees one: it answers what its views are asked, and takes the steps
 * that a test has it take. Attached again elsewhere it is the same member.
 */
final class StreamedWorker implements AutoCloseable {
  final String id = UUID.randomUUID().toString();
  final String name;
  final AtomicInteger heartbeats = new AtomicInteger();

  /** The control stream's end. */
  CompletableFuture<Status> ended = new CompletableFuture<>();

  private final MemberViews views = new MemberViews(this::digest);
  private final BlockingQueue<Enlist> enlists = new LinkedBlockingQueue<>();
  private final BlockingQueue<Discharge> discharges = new LinkedBlockingQueue<>();
  private final BlockingQueue<Install> installs = new LinkedBlockingQueue<>();
  private final ScheduledExecutorService heart = Executors.newSingleThreadScheduledExecutor();
  // The leader looks whether somebody is there; nothing is said.
  private final ServerSocket ring = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Hello hello;
  private ManagedChannel channel;
  private @Nullable ClientCallStreamObserver<WorkerMessage> out;
  private volatile String jobId = "";

  private StreamedWorker(HostPort leader, String name, String hostId, int cores)
      throws IOException {
    this.name = name;
    this.channel = Channels.open(leader, 4 << 20);
    this.hello =
        Hello.newBuilder()
            .setMemberId(id)
            .setName(name)
            .setRingAddress("127.0.0.1:" + ring.getLocalPort())
            .setProtocolVersion(ProtocolVersion.NEWEST)
            .setHostId(hostId)
            .setCores(cores)
            .setDevice("cpu")
            .build();
  }

  private String digest() {
    return "d" + views.label().map(Label::step).orElse(-1L);
  }

  /** Attaches and waits to be welcomed. */
  static StreamedWorker attach(HostPort leader, String name, String hostId, int cores)
      throws Exception {
    StreamedWorker worker = new StreamedWorker(leader, name, hostId, cores);
    worker.open();
    var unused =
        worker.heart.scheduleAtFixedRate(
            () -> worker.say(WorkerMessage.newBuilder().setHeartbeat(Heartbeat.newBuilder())),
            100,
            300,
            TimeUnit.MILLISECONDS);
    return worker;
  }

  /** Finds another leader, which may be about to take office, and tells of its job unasked. */
  void attachTo(HostPort leader) throws Exception {
    channel.shutdownNow();
    channel = Channels.open(leader, 4 << 20);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (true) {
      ended = new CompletableFuture<>();
      try {
        open();
        break;
      } catch (ExecutionException refused) {
        if (System.nanoTime() - deadline > 0) {
          throw refused;
        }
        Thread.sleep(50);
      }
    }
    enlisted();
  }

  private void open() throws Exception {
    CompletableFuture<Status> end = ended;
    CompletableFuture<Boolean> welcome = new CompletableFuture<>();
    CoordinatorGrpc.newStub(channel)
        .attach(
            new ClientResponseObserver<WorkerMessage, CoordinatorMessage>() {
              @Override
              public void beforeStart(ClientCallStreamObserver<WorkerMessage> stream) {
                synchronized (StreamedWorker.this) {
                  out = stream;
                }
              }

              @Override
              public void onNext(CoordinatorMessage message) {
                if (message.hasWelcome()) {
                  welcome.complete(true);
                } else {
                  heard(message);
                }
              }

              @Override
              public void onError(Throwable t) {
                end.complete(Status.fromThrowable(t));
                welcome.completeExceptionally(t);
              }

              @Override
              public void onCompleted() {
                end.complete(Status.OK);
              }
            });
    say(WorkerMessage.newBuilder().setHello(hello));
    welcome.get(10, TimeUnit.SECONDS);
  }

  private void heard(CoordinatorMessage message) {
    switch (message.getKindCase()) {
      case HEARTBEAT -> heartbeats.incrementAndGet();
      case ENLIST -> {
        jobId = message.getEnlist().getJobId();
        enlists.add(message.getEnlist());
        enlisted();
      }
      case PREPARE -> prepare(message.getPrepare());
      case ADOPT -> adopt(message.getAdopt());
      case INSTALL -> install(message.getInstall());
      case DISCHARGE -> discharges.add(message.getDischarge());
      case KEEP_CHECKPOINTS -> {
        // It has no files.
      }
      default -> throw new IllegalStateException("unexpected " + message);
    }
  }

  private void enlisted() {
    Enlisted.Builder enlisted =
        Enlisted.newBuilder()
            .setJobId(jobId)
            .setEnteredView(views.enteredView())
            .setPromisedView(views.promisedView());
    if (views.label().isPresent()) {
      enlisted.setHolding(holding());
    }
    say(WorkerMessage.newBuilder().setEnlisted(enlisted));
  }

  private StateHolding holding() {
    Label label = views.label().orElseThrow();
    return StateHolding.newBuilder()
        .setLabel(StateLabel.newBuilder().setView(label.view()).setStep(label.step()))
        .setDigest(digest())
        .build();
  }

  private void prepare(Prepare order) {
    Answer answer = views.prepare(order.getLeaderEpoch(), order.getView());
    if (answer instanceof Answer.Promised promised) {
      Promised.Builder reply =
          Promised.newBuilder()
              .setJobId(jobId)
              .setView(order.getView())
              .setEnteredView(promised.enteredView());
      if (promised.holding().isPresent()) {
        reply.setHolding(holding());
      }
      say(WorkerMessage.newBuilder().setPromised(reply));
    } else {
      refuse(order.getView(), answer);
    }
  }

  private void adopt(Adopt order) {
    StateLabel to = order.getHolding().getLabel();
    Answer answer =
        views.adopt(
            order.getLeaderEpoch(),
            order.getView(),
            new Label(to.getView(), to.getStep()),
            () -> {});
    if (answer instanceof Answer.Done) {
      say(
          WorkerMessage.newBuilder()
              .setAdopted(
                  Adopted.newBuilder()
                      .setJobId(jobId)
                      .setView(order.getView())
                      .setHolding(holding())));
    } else {
      refuse(order.getView(), answer);
    }
  }

  private void install(Install order) {
    View view =
        new View(
            order.getView(),
            order.getLeaderEpoch(),
            order.getMembersList().stream()
                .map(
                    it ->
                        new Seat(
                            it.getMemberId(),
                            it.getName(),
                            it.getRingAddress(),
                            it.getShare(),
                            it.getThreads()))
                .toList(),
            new Label(order.getContinues().getView(), order.getContinues().getStep()));
    Answer answer = views.install(order.getLeaderEpoch(), view);
    if (answer instanceof Answer.Done) {
      installs.add(order);
      say(
          WorkerMessage.newBuilder()
              .setInstalled(Installed.newBuilder().setJobId(jobId).setView(order.getView())));
    } else {
      refuse(order.getView(), answer);
    }
  }

  private void refuse(long view, Answer answer) {
    if (answer instanceof Answer.Refused refused) {
      say(
          WorkerMessage.newBuilder()
              .setRefused(
                  Refused.newBuilder()
                      .setJobId(jobId)
                      .setView(view)
                      .setHighestEpoch(refused.highestEpoch())
                      .setPromisedView(refused.promisedView())
                      .setReason(refused.why())));
    }
  }

  synchronized void say(WorkerMessage.Builder message) {
    ClientCallStreamObserver<WorkerMessage> stream = out;
    if (stream != null && !ended.isDone()) {
      stream.onNext(message.build());
    }
  }

  private <T> T next(BlockingQueue<T> from, String what) throws InterruptedException {
    T message = from.poll(15, TimeUnit.SECONDS);
    return message == null ? fail(name + " was not told within 15 s: " + what) : message;
  }

  Enlist enlist() throws InterruptedException {
    return next(enlists, "Enlist");
  }

  Install installed() throws InterruptedException {
    return next(installs, "Install");
  }

  Discharge discharged() throws InterruptedException {
    return next(discharges, "Discharge");
  }

  boolean hasBeenTold() {
    return !installs.isEmpty();
  }

  /** Takes steps in its view and reports each. */
  void step(int steps) {
    for (int i = 0; i < steps; i++) {
      Label label =
          views
              .step(views.enteredView(), () -> {})
              .orElseThrow(() -> new IllegalStateException(name + " may not go on"));
      say(
          WorkerMessage.newBuilder()
              .setStepped(
                  StepReport.newBuilder()
                      .setJobId(jobId)
                      .setLabel(StateLabel.newBuilder().setView(label.view()).setStep(label.step()))
                      .setStepsTotal(10)
                      .setLoss(0.5)
                      .setSamplesPerSecond(100)
                      .setSamplesComputed(8 * label.step())
                      .setStepsComputed(label.step())
                      .setComputeMillis(80)
                      .setSamplesAStep(8)));
    }
  }

  void epoch(int epoch) {
    say(
        WorkerMessage.newBuilder()
            .setEpoch(
                EpochReport.newBuilder()
                    .setRun(RunId.newBuilder().setJobId(jobId).setView(views.enteredView()))
                    .setEpoch(epoch)
                    .setAucMean(0.8)
                    .addAuc(0.8)
                    .addAuc(Double.NaN)
                    .setLoss(0.4)
                    .setBest(true)));
  }

  void end(String manifest) {
    say(
        WorkerMessage.newBuilder()
            .setEnded(
                TrainingEnded.newBuilder()
                    .setJobId(jobId)
                    .setHolding(holding())
                    .setBundleManifestSha256(manifest)));
  }

  /** Says nothing more, as a paused process would. */
  void pause() {
    heart.shutdownNow();
  }

  /** Cuts the stream, as the death of the process would. */
  synchronized void die() {
    heart.shutdownNow();
    channel.shutdownNow();
  }

  @Override
  public void close() throws IOException {
    ring.close();
    heart.shutdownNow();
    channel.shutdownNow();
  }
}
