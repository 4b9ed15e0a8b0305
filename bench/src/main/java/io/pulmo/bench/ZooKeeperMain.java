package io.pulmo.bench;

import io.pulmo.node.ParentWatch;
import org.apache.zookeeper.server.quorum.QuorumPeerMain;

/** A ZooKeeper server of an ensemble, as a process that ends with its parent. */
final class ZooKeeperMain {
  private ZooKeeperMain() {}

  /** Runs the server of a configuration file. */
  public static void main(String[] args) {
    ParentWatch.start(() -> {});
    QuorumPeerMain.main(args);
  }
}
