package io.pulmo.coordinator;

import static org.junit.jupiter.api.Assertions.fail;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.EpochReport;
import io.pulmo.proto.Heartbeat;
import io.pulmo.proto.Hello;
import io.pulmo.proto.Progress;
import io.pulmo.proto.RunCompleted;
import io.pulmo.proto.RunFailed;
import io.pulmo.proto.RunId;
import io.pulmo.proto.StartRun;
import io.pulmo.proto.StopRun;
import io.pulmo.proto.Welcome;
import io.pulmo.proto.WorkerMessage;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A worker as the coordinator sees one: a control stream that says what a test has it say. */
final class StreamedWorker implements AutoCloseable {
  final String id = UUID.randomUUID().toString();
  final String name;
  final CompletableFuture<Status> ended = new CompletableFuture<>();

  final AtomicInteger heartbeats = new AtomicInteger();

  private final BlockingQueue<CoordinatorMessage> received = new LinkedBlockingQueue<>();
  private final ScheduledExecutorService heart = Executors.newSingleThreadScheduledExecutor();
  private final ManagedChannel channel;
  private @Nullable ClientCallStreamObserver<WorkerMessage> out;

  private StreamedWorker(HostPort leader, String name) {
    this.name = name;
    this.channel = Channels.open(leader, 4 << 20);
  }

  /** Attaches and waits to be welcomed. */
  static StreamedWorker attach(HostPort leader, String name, String hostId, int cores)
      throws InterruptedException {
    StreamedWorker worker = new StreamedWorker(leader, name);
    worker.open();
    worker.say(
        WorkerMessage.newBuilder()
            .setHello(
                Hello.newBuilder()
                    .setMemberId(worker.id)
                    .setName(name)
                    .setRingAddress("127.0.0.1:7777")
                    .setHostId(hostId)
                    .setCores(cores)
                    .setDevice("cpu")));
    worker.welcomed();
    return worker;
  }

  private void open() {
    CoordinatorGrpc.newStub(channel)
        .attach(
            new ClientResponseObserver<WorkerMessage, CoordinatorMessage>() {
              @Override
              public void beforeStart(ClientCallStreamObserver<WorkerMessage> stream) {
                out = stream;
              }

              @Override
              public void onNext(CoordinatorMessage message) {
                if (message.hasHeartbeat()) {
                  heartbeats.incrementAndGet();
                } else {
                  received.add(message);
                }
              }

              @Override
              public void onError(Throwable t) {
                ended.complete(Status.fromThrowable(t));
              }

              @Override
              public void onCompleted() {
                ended.complete(Status.OK);
              }
            });
    var unused =
        heart.scheduleAtFixedRate(
            () -> say(WorkerMessage.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance())),
            100,
            300,
            TimeUnit.MILLISECONDS);
  }

  synchronized void say(WorkerMessage.Builder message) {
    ClientCallStreamObserver<WorkerMessage> stream = out;
    if (stream != null) {
      stream.onNext(message.build());
    }
  }

  private Welcome welcomed() throws InterruptedException {
    CoordinatorMessage message = next();
    return message.hasWelcome() ? message.getWelcome() : fail("expected Welcome, got " + message);
  }

  StartRun started() throws InterruptedException {
    CoordinatorMessage message = next();
    return message.hasStart() ? message.getStart() : fail("expected StartRun, got " + message);
  }

  StopRun stopped() throws InterruptedException {
    CoordinatorMessage message = next();
    return message.hasStop() ? message.getStop() : fail("expected StopRun, got " + message);
  }

  private CoordinatorMessage next() throws InterruptedException {
    CoordinatorMessage message = received.poll(10, TimeUnit.SECONDS);
    return message == null ? fail(name + " heard nothing for 10 s") : message;
  }

  void progress(RunId run, long step, long samples) {
    say(
        WorkerMessage.newBuilder()
            .setProgress(
                Progress.newBuilder()
                    .setRun(run)
                    .setStep(step)
                    .setStepsTotal(10)
                    .setLoss(0.5)
                    .setSamplesPerSecond(100)
                    .setSamplesComputed(samples)
                    .setStepsComputed(step)));
  }

  void epoch(RunId run, int epoch) {
    say(
        WorkerMessage.newBuilder()
            .setEpoch(
                EpochReport.newBuilder()
                    .setRun(run)
                    .setEpoch(epoch)
                    .setAucMean(0.8)
                    .addAuc(0.8)
                    .addAuc(Double.NaN)
                    .setLoss(0.4)
                    .setBest(true)));
  }

  void completed(RunId run, String digest, String manifest) {
    say(
        WorkerMessage.newBuilder()
            .setCompleted(
                RunCompleted.newBuilder()
                    .setRun(run)
                    .setStateDigest(digest)
                    .setBundleManifestSha256(manifest)));
  }

  void failed(RunId run, String error) {
    say(WorkerMessage.newBuilder().setFailed(RunFailed.newBuilder().setRun(run).setError(error)));
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
  public void close() {
    heart.shutdownNow();
    channel.shutdownNow();
  }
}
