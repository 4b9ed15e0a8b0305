package io.pulmo.worker;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.pulmo.node.HostPort;
import io.pulmo.node.Listen;
import io.pulmo.node.NodeServer;
import io.pulmo.proto.BlobChunk;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.Enlist;
import io.pulmo.proto.GetBlobRequest;
import io.pulmo.proto.GetLeaderRequest;
import io.pulmo.proto.GetLeaderResponse;
import io.pulmo.proto.Heartbeat;
import io.pulmo.proto.Hello;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.PutBlobResponse;
import io.pulmo.proto.Welcome;
import io.pulmo.proto.WorkerMessage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A coordinator that a test plays: it takes every worker in, and says what the test says, or what a
 * {@link FakeLeader} does.
 */
final class FakeCoordinator extends CoordinatorGrpc.CoordinatorImplBase implements AutoCloseable {
  /** Who hears what workers say. */
  interface Ears {
    void attached(Attached worker);

    void heard(Attached worker, WorkerMessage message);

    void gone(Attached worker);
  }

  /** A worker's control stream. */
  static final class Attached {
    private final BlockingQueue<WorkerMessage> heard = new LinkedBlockingQueue<>();
    private final StreamObserver<CoordinatorMessage> out;
    private final Hello hello;

    Attached(Hello hello, StreamObserver<CoordinatorMessage> out) {
      this.hello = hello;
      this.out = out;
    }

    Hello hello() {
      return hello;
    }

    String memberId() {
      return hello.getMemberId();
    }

    synchronized void send(CoordinatorMessage message) {
      try {
        out.onNext(message);
      } catch (RuntimeException e) {
        // It has gone meanwhile.
        heard.clear();
      }
    }

    void send(Enlist enlist) {
      send(CoordinatorMessage.newBuilder().setEnlist(enlist).build());
    }

    synchronized void end() {
      out.onCompleted();
    }

    /** The next message of a kind; those before it are dropped. */
    WorkerMessage await(Predicate<WorkerMessage> wanted) throws InterruptedException {
      while (true) {
        WorkerMessage message = heard.poll(60, TimeUnit.SECONDS);
        if (message == null) {
          throw new AssertionError("no such message within 60 s");
        }
        if (wanted.test(message)) {
          return message;
        }
        if (message.hasJobFailed()) {
          throw new AssertionError(message.getJobFailed().getError());
        }
      }
    }
  }

  private final Map<String, byte[]> blobs = new ConcurrentHashMap<>();
  private final BlockingQueue<Attached> attached = new LinkedBlockingQueue<>();
  private final List<Attached> all = new ArrayList<>();
  private final ScheduledExecutorService beats = Executors.newSingleThreadScheduledExecutor();
  private final NodeServer server;
  private volatile long epoch = 1;
  private volatile @Nullable Ears ears;

  FakeCoordinator() throws IOException {
    server = NodeServer.start(Listen.loopback(0), NodeServer.CONTROL_MESSAGE_BYTES, List.of(this));
    var unused = beats.scheduleAtFixedRate(this::beat, 200, 200, TimeUnit.MILLISECONDS);
  }

  HostPort address() {
    return server.address();
  }

  long epoch() {
    return epoch;
  }

  void epoch(long now) {
    epoch = now;
  }

  void listen(Ears to) {
    ears = to;
  }

  /** Sends no heartbeats any more. */
  void fallSilent() {
    beats.shutdownNow();
  }

  /** Ends every control stream. */
  void endStreams() {
    List<Attached> open;
    synchronized (all) {
      open = List.copyOf(all);
      all.clear();
    }
    open.forEach(Attached::end);
  }

  byte[] blob(String sha256) {
    return Objects.requireNonNull(blobs.get(sha256), sha256);
  }

  void store(String sha256, byte[] bytes) {
    blobs.put(sha256, bytes);
  }

  /** The next worker that attaches. */
  Attached awaitWorker() throws InterruptedException {
    Attached worker = attached.poll(30, TimeUnit.SECONDS);
    if (worker == null) {
      throw new AssertionError("no worker attached within 30 s");
    }
    return worker;
  }

  private void beat() {
    CoordinatorMessage beat =
        CoordinatorMessage.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance()).build();
    synchronized (all) {
      all.forEach(worker -> worker.send(beat));
    }
  }

  @Override
  public void getLeader(GetLeaderRequest request, StreamObserver<GetLeaderResponse> out) {
    out.onNext(
        GetLeaderResponse.newBuilder()
            .setLeader(address().toString())
            .setEpoch(epoch)
            .addCoordinators(address().toString())
            .build());
    out.onCompleted();
  }

  @Override
  public StreamObserver<WorkerMessage> attach(StreamObserver<CoordinatorMessage> out) {
    return new StreamObserver<>() {
      private Attached worker = new Attached(Hello.getDefaultInstance(), out);

      @Override
      public void onNext(WorkerMessage message) {
        Ears to = ears;
        if (message.hasHello()) {
          worker = new Attached(message.getHello(), out);
          worker.send(
              CoordinatorMessage.newBuilder()
                  .setWelcome(
                      Welcome.newBuilder().setEpoch(epoch).addCoordinators(address().toString()))
                  .build());
          synchronized (all) {
            all.add(worker);
          }
          attached.add(worker);
          if (to != null) {
            to.attached(worker);
          }
        } else {
          worker.heard.add(message);
          if (to != null) {
            to.heard(worker, message);
          }
        }
      }

      @Override
      public void onError(Throwable error) {
        leave();
      }

      @Override
      public void onCompleted() {
        leave();
      }

      private void leave() {
        synchronized (all) {
          all.remove(worker);
        }
        Ears to = ears;
        if (to != null) {
          to.gone(worker);
        }
      }
    };
  }

  @Override
  public StreamObserver<PutBlobRequest> putBlob(StreamObserver<PutBlobResponse> out) {
    return new StreamObserver<>() {
      private String sha256 = "";
      private ByteString data = ByteString.EMPTY;

      @Override
      public void onNext(PutBlobRequest request) {
        sha256 = request.getSha256().isEmpty() ? sha256 : request.getSha256();
        data = data.concat(request.getData());
      }

      @Override
      public void onError(Throwable error) {}

      @Override
      public void onCompleted() {
        store(sha256, data.toByteArray());
        out.onNext(PutBlobResponse.getDefaultInstance());
        out.onCompleted();
      }
    };
  }

  @Override
  public void getBlob(GetBlobRequest request, StreamObserver<BlobChunk> out) {
    byte[] bytes = blobs.get(request.getSha256());
    if (bytes == null) {
      out.onError(Status.NOT_FOUND.withDescription(request.getSha256()).asRuntimeException());
      return;
    }
    out.onNext(BlobChunk.newBuilder().setData(ByteString.copyFrom(bytes)).build());
    out.onCompleted();
  }

  @Override
  public void close() {
    beats.shutdownNow();
    server.close();
  }
}
