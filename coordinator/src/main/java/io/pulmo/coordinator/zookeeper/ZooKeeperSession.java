package io.pulmo.coordinator.zookeeper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;

/** A coordinator's connection to ZooKeeper, with the nodes that all coordinators expect there. */
public final class ZooKeeperSession implements AutoCloseable {
  /**
   * A leader that is gone is followed when its session has ended. Training does not wait for it,
   * and a leader that loses its session by a hiccup loses no more than its office: so it is short.
   * Servers take no less than two of their ticks.
   */
  private static final int SESSION_MILLIS = 3_000;

  private static final int CONNECTION_MILLIS = 2_000;
  private static final int CONNECT_PATIENCE_SECONDS = 15;
  static final String JOBS_PATH = "/pulmo/jobs";
  static final String VIEWS_PATH = "/pulmo/views";
  private static final String EMBEDDED_PATH = "/pulmo/embedded";

  private final CuratorFramework curator;

  private ZooKeeperSession(CuratorFramework curator) {
    this.curator = curator;
  }

  /**
   * Connects.
   *
   * @param connect HOST:PORT,... of the servers
   * @throws IOException if none of them answers
   */
  public static ZooKeeperSession connect(String connect) throws IOException, InterruptedException {
    CuratorFramework curator =
        CuratorFrameworkFactory.builder()
            .connectString(connect)
            .sessionTimeoutMs(SESSION_MILLIS)
            .connectionTimeoutMs(CONNECTION_MILLIS)
            // Whoever writes steps down when in doubt: waiting for a lost ZooKeeper helps nobody.
            .retryPolicy(new RetryNTimes(1, 100))
            .build();
    curator.start();
    ZooKeeperSession session = new ZooKeeperSession(curator);
    try {
      if (!curator.blockUntilConnected(CONNECT_PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException(
            "ZooKeeper at "
                + connect
                + " did not answer within "
                + CONNECT_PATIENCE_SECONDS
                + " s: start it, or correct --zookeeper");
      }
      session.ensure(FencedStore.EPOCH_PATH);
      session.ensure(JOBS_PATH);
      session.ensure(VIEWS_PATH);
      return session;
    } catch (IOException | InterruptedException | RuntimeException e) {
      curator.close();
      throw e;
    }
  }

  /**
   * Marks the servers as embedded in the coordinator that calls, which they end with.
   *
   * @param owner what to name the coordinator
   */
  public void markEmbedded(String owner) throws IOException {
    byte[] data = owner.getBytes(StandardCharsets.UTF_8);
    try {
      curator.create().orSetData().forPath(EMBEDDED_PATH, data);
    } catch (Exception e) {
      throw new IOException("cannot write " + EMBEDDED_PATH + ": " + e.getMessage(), e);
    }
  }

  /** The coordinator in which the servers are embedded, if they are. */
  public Optional<String> embeddedIn() throws IOException {
    try {
      byte[] data = curator.getData().forPath(EMBEDDED_PATH);
      return Optional.of(new String(data, StandardCharsets.UTF_8));
    } catch (KeeperException.NoNodeException e) {
      return Optional.empty();
    } catch (Exception e) {
      throw new IOException("cannot read " + EMBEDDED_PATH + ": " + e.getMessage(), e);
    }
  }

  CuratorFramework curator() {
    return curator;
  }

  private void ensure(String path) throws IOException {
    try {
      curator.create().creatingParentsIfNeeded().forPath(path, new byte[0]);
    } catch (KeeperException.NodeExistsException e) {
      // Another coordinator was here first.
      return;
    } catch (Exception e) {
      throw new IOException("cannot make " + path + " in ZooKeeper: " + e.getMessage(), e);
    }
  }

  /** Ends the session: what only lives with it is gone at once. */
  @Override
  public void close() {
    curator.close();
  }
}
