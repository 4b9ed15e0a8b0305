package io.pulmo.coordinator.zookeeper;

import io.pulmo.coordinator.job.JournalException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.data.Stat;

/**
 * What one leader reads and writes in ZooKeeper: each write is a transaction that also checks that
 * the leader's epoch is still the newest, and that the record is as this leader last saw it.
 */
public final class FencedStore {
  /** The node whose version is the newest leader's epoch. */
  static final String EPOCH_PATH = "/pulmo/epoch";

  private final CuratorFramework curator;
  private final int epoch;

  FencedStore(CuratorFramework curator, int epoch) {
    this.curator = curator;
    this.epoch = epoch;
  }

  /**
   * A node's content.
   *
   * @param name the last part of its path
   * @param data its bytes
   * @param version increases with each write
   */
  record Entry(String name, byte[] data, int version) {}

  /** The leader's epoch, higher than that of every leader before it. */
  public int epoch() {
    return epoch;
  }

  /** All children of a node; none if the node is not there. */
  List<Entry> children(String path) {
    try {
      List<Entry> entries = new ArrayList<>();
      for (String name : curator.getChildren().forPath(path)) {
        Stat stat = new Stat();
        byte[] data = curator.getData().storingStatIn(stat).forPath(path + "/" + name);
        entries.add(new Entry(name, data, stat.getVersion()));
      }
      return entries;
    } catch (KeeperException.NoNodeException e) {
      return List.of();
    } catch (Exception e) {
      throw failed("cannot read " + path, e);
    }
  }

  /** A node; nothing if it is not there. */
  Optional<Entry> read(String path) {
    try {
      Stat stat = new Stat();
      byte[] data = curator.getData().storingStatIn(stat).forPath(path);
      return Optional.of(new Entry(path.replaceFirst(".*/", ""), data, stat.getVersion()));
    } catch (KeeperException.NoNodeException e) {
      return Optional.empty();
    } catch (Exception e) {
      throw failed("cannot read " + path, e);
    }
  }

  /**
   * Makes sure that this leader's epoch is the newest at the moment of the call.
   *
   * @throws FencedException if it is not
   * @throws JournalException if ZooKeeper does not say
   */
  public void confirm() {
    write("anything", List::of);
  }

  /** Makes a node of version 0. */
  void create(String path, byte[] data) {
    write(path, () -> List.of(curator.transactionOp().create().forPath(path, data)));
  }

  /** Replaces a node's data; its version increases by one. */
  void update(String path, byte[] data, int version) {
    write(
        path,
        () -> List.of(curator.transactionOp().setData().withVersion(version).forPath(path, data)));
  }

  /** Deletes a node. */
  void delete(String path, int version) {
    write(path, () -> List.of(curator.transactionOp().delete().withVersion(version).forPath(path)));
  }

  @FunctionalInterface
  private interface Operations {
    List<CuratorOp> get() throws Exception;
  }

  private void write(String path, Operations operations) {
    try {
      List<CuratorOp> all = new ArrayList<>();
      all.add(curator.transactionOp().check().withVersion(epoch).forPath(EPOCH_PATH));
      all.addAll(operations.get());
      curator.transaction().forOperations(all);
    } catch (KeeperException.BadVersionException
        | KeeperException.NodeExistsException
        | KeeperException.NoNodeException e) {
      throw new FencedException(
          fenced(e)
              ? "epoch " + epoch + " is over: another coordinator leads, and " + path + " stays"
              : path + " was written by another leader than that of epoch " + epoch,
          e);
    } catch (Exception e) {
      throw failed("cannot write " + path + " for certain", e);
    }
  }

  private static boolean fenced(KeeperException e) {
    List<OpResult> results = e.getResults();
    return results != null
        && !results.isEmpty()
        && results.getFirst() instanceof OpResult.ErrorResult first
        && first.getErr() == KeeperException.Code.BADVERSION.intValue();
  }

  private static JournalException failed(String what, Exception cause) {
    if (cause instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    return new JournalException(what + ": " + cause.getMessage(), cause);
  }
}
