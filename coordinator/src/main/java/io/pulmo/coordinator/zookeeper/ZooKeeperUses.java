package io.pulmo.coordinator.zookeeper;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pulmo.coordinator.job.BlobUses;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.KeeperException;

/**
 * The blobs that the jobs' records in ZooKeeper name, read without a leader's fence. A record whose
 * job has ended is read once. One thread owns it.
 */
public final class ZooKeeperUses implements BlobUses {
  private final CuratorFramework curator;
  private final JsonMapper json =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();
  private final Map<String, Use> ended = new HashMap<>();

  /** Reads over a session. */
  public ZooKeeperUses(ZooKeeperSession session) {
    this.curator = session.curator();
  }

  @Override
  public List<Use> read() throws IOException {
    try {
      List<String> names = curator.getChildren().forPath(ZooKeeperSession.JOBS_PATH);
      ended.keySet().retainAll(new HashSet<>(names));
      List<Use> uses = new ArrayList<>();
      for (String name : names) {
        Use use = ended.get(name);
        if (use == null) {
          try {
            byte[] data = curator.getData().forPath(ZooKeeperSession.JOBS_PATH + "/" + name);
            use = json.readValue(data, Use.class);
          } catch (KeeperException.NoNodeException e) {
            // Dropped a moment ago: it refers to nothing.
            continue;
          }
          if (use.state().ended()) {
            ended.put(name, use);
          }
        }
        uses.add(use);
      }
      return uses;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while reading the jobs' records");
    } catch (Exception e) {
      throw new IOException("cannot read the jobs' records: " + e.getMessage(), e);
    }
  }
}
