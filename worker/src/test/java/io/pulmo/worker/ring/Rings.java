package io.pulmo.worker.ring;

import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The members of a ring in one JVM, each with a server of its own on loopback. */
public final class Rings implements AutoCloseable {
  private final List<RingService> services = new ArrayList<>();
  private final List<Server> servers = new ArrayList<>();
  private final List<RingPlan.Peer> peers = new ArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private long view;

  /** Starts the servers. */
  public Rings(int members) {
    this(members, AllReduce.PIECE_ELEMENTS, 10_000);
  }

  Rings(int members, int pieceElements, long holdMillis) {
    for (int i = 0; i < members; i++) {
      RingService service = new RingService(pieceElements, holdMillis);
      services.add(service);
      try {
        servers.add(
            NettyServerBuilder.forAddress(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(service)
                .build()
                .start());
      } catch (IOException e) {
        throw new AssertionError(e);
      }
      peers.add(new RingPlan.Peer("member-" + i, "w" + i, "127.0.0.1:" + servers.get(i).getPort()));
    }
  }

  RingPlan plan(int rank, long ofView) {
    return new RingPlan("job", ofView, peers, rank);
  }

  RingService service(int rank) {
    return services.get(rank);
  }

  Server server(int rank) {
    return servers.get(rank);
  }

  AllReduce join(int rank, long ofView) {
    return services.get(rank).join(plan(rank, ofView), Rings::connect);
  }

  static io.grpc.ManagedChannel connect(RingPlan.Peer peer) {
    return NettyChannelBuilder.forTarget(peer.address()).usePlaintext().build();
  }

  /** All members of a new view. */
  public List<AllReduce> view() {
    view++;
    List<AllReduce> members = new ArrayList<>();
    for (int i = 0; i < services.size(); i++) {
      members.add(join(i, view));
    }
    return members;
  }

  <T> Future<T> start(Callable<T> work) {
    return threads.submit(work);
  }

  /** Runs the work for each of the members at once; the first failure fails the test. */
  public <T> List<T> each(List<AllReduce> members, Function<AllReduce, Callable<T>> work)
      throws Exception {
    List<Future<T>> running = members.stream().map(m -> start(work.apply(m))).toList();
    List<T> results = new ArrayList<>();
    for (Future<T> one : running) {
      results.add(one.get(60, TimeUnit.SECONDS));
    }
    return results;
  }

  /** What the work threw. */
  static Throwable failure(Future<?> work) throws Exception {
    try {
      work.get(20, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      return Objects.requireNonNull(e.getCause());
    }
    throw new AssertionError("the work did not fail");
  }

  @Override
  public void close() {
    services.forEach(RingService::close);
    servers.forEach(Server::shutdownNow);
    threads.shutdownNow();
  }
}
