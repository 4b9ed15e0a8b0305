package io.pulmo.node;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A running gRPC server with health and reflection services.
 *
 * <p>Calls run on at most {@link #THREADS} threads. Their queue needs no bound of its own: gRPC
 * queues at most one task a call, and calls are bounded by connection.
 */
public final class NodeServer implements AutoCloseable {
  /** The largest message of the control plane. */
  public static final int CONTROL_MESSAGE_BYTES = 4 << 20;

  private static final int THREADS = 32;
  private static final int CALLS_PER_CONNECTION = 256;
  private static final int METADATA_BYTES = 16 << 10;
  private static final long GRACE_MILLIS = 2_000;

  private final Server server;
  private final HealthStatusManager health;
  private final ExecutorService executor;
  private final HostPort address;

  private NodeServer(
      Server server, HealthStatusManager health, ExecutorService executor, HostPort address) {
    this.server = server;
    this.health = health;
    this.executor = executor;
    this.address = address;
  }

  /**
   * Starts to serve.
   *
   * @param listen where
   * @param maxInboundBytes the largest message taken
   * @param services beside health and reflection, which are always there
   * @throws IOException if the address cannot be bound, naming it
   */
  public static NodeServer start(
      Listen listen, int maxInboundBytes, List<? extends BindableService> services)
      throws IOException {
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            daemons("pulmo-rpc-"));
    executor.allowCoreThreadTimeOut(true);
    HealthStatusManager health = new HealthStatusManager();
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress(listen.bind(), listen.port()))
            .executor(executor)
            .maxInboundMessageSize(maxInboundBytes)
            .maxInboundMetadataSize(METADATA_BYTES)
            .maxConcurrentCallsPerConnection(CALLS_PER_CONNECTION)
            .keepAliveTime(20, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .addService(health.getHealthService())
            .addService(ProtoReflectionServiceV1.newInstance());
    services.forEach(builder::addService);
    Server server = builder.build();
    try {
      server.start();
    } catch (IOException e) {
      executor.shutdownNow();
      Throwable root = e;
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        root = cause;
      }
      throw new IOException(
          "cannot listen on "
              + new HostPort(listen.bind(), listen.port())
              + ": "
              + root.getMessage()
              + "; give another --port or --bind",
          e);
    }
    return new NodeServer(server, health, executor, listen.advertised(server.getPort()));
  }

  /** What others reach this server under; the port is the one that was bound. */
  public HostPort address() {
    return address;
  }

  /** Tells the health service about one of the services, by its full gRPC name. */
  public void setServing(String service, boolean serving) {
    health.setStatus(service, serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  /** Takes no more calls, lets those under way end for two seconds, then cuts them off. */
  @Override
  public void close() {
    health.enterTerminalState();
    server.shutdown();
    try {
      if (!server.awaitTermination(GRACE_MILLIS, TimeUnit.MILLISECONDS)) {
        server.shutdownNow();
        server.awaitTermination(GRACE_MILLIS, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    executor.shutdown();
  }

  /** Cuts off every call at once, as the death of the process would. */
  public void closeNow() {
    server.shutdownNow();
    try {
      // A call that arrives while the executor is gone would be answered as an internal error.
      server.awaitTermination(GRACE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    executor.shutdown();
  }

  static ThreadFactory daemons(String prefix) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, prefix + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }
}
