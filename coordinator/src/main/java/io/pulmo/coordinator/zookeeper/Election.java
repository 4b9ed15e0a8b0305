package io.pulmo.coordinator.zookeeper;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.node.HostPort;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.leader.Participant;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.framework.state.ConnectionStateListener;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One coordinator's part in the election of the leader.
 *
 * <p>Curator's latch says whose turn it is. Whoever wins increments the epoch's node,
 * conditionally, before it acts; the version of that node is its epoch and fences what it writes. A
 * leader stops as soon as its connection is in doubt; if it cannot know yet (its process was
 * paused), the fence refuses its writes.
 */
public final class Election implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Election.class);
  private static final String LATCH_PATH = "/pulmo/leader";
  private static final long LOOK_MILLIS = 250;

  /** What happens to this coordinator. Calls come from one thread and in order. */
  public interface Listener {
    /** It leads from now on. */
    void elected(FencedStore store);

    /** It leads no more. */
    void deposed(String why);
  }

  /**
   * What is known of the coordinators.
   *
   * @param leader who leads, if somebody is known to
   * @param epoch the newest leader's, 0 before the first
   * @param coordinators all that are up
   */
  public record View(Optional<HostPort> leader, long epoch, List<HostPort> coordinators) {
    /** Copies the list. */
    public View {
      coordinators = List.copyOf(coordinators);
    }
  }

  private final CuratorFramework curator;
  private final HostPort address;
  private final String id;
  private final Listener listener;
  private final ScheduledExecutorService executor =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("pulmo-election").factory());
  // Reading may wait for a lost connection, which stepping down must not.
  private final ScheduledExecutorService looker =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("pulmo-election-look").factory());
  private final ConnectionStateListener connection = (client, state) -> connectionIs(state);
  private final Object viewLock = new Object();
  private volatile View view;

  @GuardedBy("this")
  private LeaderLatch latch;

  // Only the executor's thread writes it.
  private volatile @Nullable FencedStore leading;

  /**
   * Takes no part yet.
   *
   * @param session with ZooKeeper
   * @param address under which others reach this coordinator
   * @param listener told of what becomes of it
   */
  public Election(ZooKeeperSession session, HostPort address, Listener listener) {
    this.curator = session.curator();
    this.address = address;
    byte[] nonce = new byte[4];
    ThreadLocalRandom.current().nextBytes(nonce);
    // A coordinator that comes back under its old address is not mistaken for the one before.
    this.id = address + "/" + HexFormat.of().formatHex(nonce);
    this.listener = listener;
    this.view = new View(Optional.empty(), 0, List.of(address));
    this.latch = newLatch();
  }

  /** Lines up for the leadership. */
  public void start() throws IOException {
    curator.getConnectionStateListenable().addListener(connection);
    startLatch();
    var unused = looker.scheduleWithFixedDelay(this::look, 0, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** What was known a moment ago. */
  public View view() {
    return view;
  }

  /** The coordinators that were up a moment ago, without this one. */
  public List<HostPort> others() {
    return view.coordinators().stream().filter(one -> !one.equals(address)).toList();
  }

  /** Why nobody is known to lead, in words; of use while nobody is. */
  public String whyNone() {
    return curator.getZookeeperClient().isConnected()
        ? "an election is under way"
        : "ZooKeeper cannot be reached from here; until it can, nothing is submitted and no view"
            + " changes, but training goes on";
  }

  /** Steps down from an epoch, unless it is over already, and lines up again behind the others. */
  public void resign(long epoch, String why) {
    submit(
        () -> {
          FencedStore led = leading;
          if (led == null || led.epoch() != epoch) {
            return;
          }
          depose(why);
          try {
            closeLatch();
            replaceLatch();
            startLatch();
          } catch (IOException e) {
            log.warn("cannot line up for the leadership again: {}", e.getMessage());
          }
        });
  }

  /** Leaves the election: if this one led, the next takes over at once. */
  @Override
  public void close() {
    curator.getConnectionStateListenable().removeListener(connection);
    looker.shutdownNow();
    submit(
        () -> {
          depose("the coordinator stops");
          try {
            closeLatch();
          } catch (IOException e) {
            log.debug("the latch was not closed: it goes with the session", e);
          }
        });
    executor.shutdown();
    try {
      if (!executor.awaitTermination(3, TimeUnit.SECONDS)) {
        executor.shutdownNow();
      }
    } catch (InterruptedException e) {
      executor.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private void connectionIs(ConnectionState state) {
    if (!state.isConnected()) {
      synchronized (viewLock) {
        view = new View(Optional.empty(), view.epoch(), view.coordinators());
      }
    }
  }

  private LeaderLatch newLatch() {
    LeaderLatch made = new LeaderLatch(curator, LATCH_PATH, id, LeaderLatch.CloseMode.SILENT);
    made.addListener(
        new LeaderLatchListener() {
          @Override
          public void isLeader() {
            submit(() -> won(made));
          }

          @Override
          public void notLeader() {
            submit(() -> depose("the connection to ZooKeeper is in doubt"));
          }
        });
    return made;
  }

  private synchronized void replaceLatch() {
    latch = newLatch();
  }

  private synchronized void startLatch() throws IOException {
    try {
      latch.start();
    } catch (Exception e) {
      throw new IOException("cannot take part in the election: " + e.getMessage(), e);
    }
  }

  private synchronized void closeLatch() throws IOException {
    if (latch.getState() == LeaderLatch.State.STARTED) {
      latch.close();
    }
  }

  private void won(LeaderLatch by) {
    if (!by.hasLeadership() || leading != null) {
      return;
    }
    try {
      while (true) {
        Stat stat = new Stat();
        curator.getData().storingStatIn(stat).forPath(FencedStore.EPOCH_PATH);
        try {
          Stat written =
              curator
                  .setData()
                  .withVersion(stat.getVersion())
                  .forPath(FencedStore.EPOCH_PATH, id.getBytes(StandardCharsets.UTF_8));
          lead(written.getVersion());
          return;
        } catch (KeeperException.BadVersionException e) {
          if (!by.hasLeadership()) {
            return;
          }
        }
      }
    } catch (Exception e) {
      log.warn("won the election but could not begin an epoch: {}", e.getMessage());
      retreat(by);
    }
  }

  /** Lets the others try: this one lines up again. */
  private void retreat(LeaderLatch by) {
    try {
      synchronized (this) {
        if (latch != by) {
          return;
        }
      }
      closeLatch();
      replaceLatch();
      startLatch();
    } catch (IOException e) {
      log.warn("cannot line up for the leadership again: {}", e.getMessage());
    }
  }

  private void lead(int epoch) {
    FencedStore store = new FencedStore(curator, epoch);
    leading = store;
    log.info("{} leads in epoch {}", address, epoch);
    view = new View(Optional.of(address), epoch, view.coordinators());
    listener.elected(store);
  }

  private void depose(String why) {
    FencedStore led = leading;
    if (led != null) {
      leading = null;
      log.info("{} leads no more after epoch {}: {}", address, led.epoch(), why);
      view = new View(Optional.empty(), led.epoch(), view.coordinators());
      listener.deposed(why);
    }
  }

  /** Reads who is up and who leads: the latch's first whose id the epoch's node also has. */
  private void look() {
    if (!curator.getZookeeperClient().isConnected()) {
      return;
    }
    try {
      LeaderLatch current;
      synchronized (this) {
        current = latch;
      }
      Stat stat = new Stat();
      String epochId =
          new String(
              curator.getData().storingStatIn(stat).forPath(FencedStore.EPOCH_PATH),
              StandardCharsets.UTF_8);
      List<HostPort> coordinators = new ArrayList<>();
      Optional<HostPort> leader = Optional.empty();
      for (Participant participant : current.getParticipants()) {
        HostPort one = HostPort.parse(participant.getId().replaceFirst("/.*", ""));
        if (!coordinators.contains(one)) {
          coordinators.add(one);
        }
        boolean self = participant.getId().equals(id);
        if (participant.isLeader()
            && participant.getId().equals(epochId)
            && (!self || leading != null)) {
          leader = Optional.of(one);
        }
      }
      if (!coordinators.contains(address)) {
        coordinators.add(address);
      }
      synchronized (viewLock) {
        // A connection lost meanwhile is told of after this: an old leader is never named for long.
        if (curator.getZookeeperClient().isConnected()) {
          view = new View(leader, stat.getVersion(), coordinators);
        }
      }
    } catch (Exception e) {
      log.debug("cannot read who leads at the moment", e);
    }
  }

  private void submit(Runnable task) {
    try {
      executor.execute(
          () -> {
            try {
              task.run();
            } catch (RuntimeException | Error e) {
              log.error("the election goes on after an unexpected error", e);
            }
          });
    } catch (RejectedExecutionException e) {
      log.debug("closed already", e);
    }
  }
}
