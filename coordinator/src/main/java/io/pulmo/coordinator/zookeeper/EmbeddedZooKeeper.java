package io.pulmo.coordinator.zookeeper;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.zookeeper.server.NIOServerCnxnFactory;
import org.apache.zookeeper.server.PurgeTxnLog;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * A real ZooKeeper server inside this process, for a cluster with one coordinator: it listens on a
 * free port of the loopback address.
 */
public final class EmbeddedZooKeeper implements AutoCloseable {
  private static final int TICK_MILLIS = 1_000;
  private static final int MOST_CONNECTIONS = 64;
  private static final int SNAPSHOTS_KEPT = 3;

  private final ZooKeeperServer server;
  private final NIOServerCnxnFactory connections;

  private EmbeddedZooKeeper(ZooKeeperServer server, NIOServerCnxnFactory connections) {
    this.server = server;
    this.connections = connections;
  }

  /**
   * Starts a server.
   *
   * @param folder where it keeps its data, from one start to the next
   * @param port 0 for a free one
   * @throws IOException if it cannot start
   */
  public static EmbeddedZooKeeper start(Path folder, int port)
      throws IOException, InterruptedException {
    Files.createDirectories(folder);
    // ZooKeeper takes this bound from a system property alone, and warns without one.
    System.getProperties().putIfAbsent("zookeeper.maxCnxns", String.valueOf(MOST_CONNECTIONS));
    PurgeTxnLog.purge(folder.toFile(), folder.toFile(), SNAPSHOTS_KEPT);
    ZooKeeperServer server = new ZooKeeperServer(folder.toFile(), folder.toFile(), TICK_MILLIS);
    NIOServerCnxnFactory connections = new NIOServerCnxnFactory();
    connections.configure(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port), MOST_CONNECTIONS);
    connections.startup(server);
    return new EmbeddedZooKeeper(server, connections);
  }

  /** HOST:PORT for clients. */
  public String connectString() {
    return "127.0.0.1:" + connections.getLocalPort();
  }

  /** Stops it; its data stays. */
  @Override
  public void close() {
    connections.shutdown();
    server.shutdown();
  }
}
