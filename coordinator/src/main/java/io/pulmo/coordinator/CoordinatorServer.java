package io.pulmo.coordinator;

import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.EventLog;
import io.pulmo.coordinator.job.Jobs;
import io.pulmo.coordinator.rpc.CoordinatorService;
import io.pulmo.coordinator.rpc.Leadership;
import io.pulmo.coordinator.zookeeper.Election;
import io.pulmo.coordinator.zookeeper.EmbeddedZooKeeper;
import io.pulmo.coordinator.zookeeper.FencedStore;
import io.pulmo.coordinator.zookeeper.ZooKeeperJournal;
import io.pulmo.coordinator.zookeeper.ZooKeeperSession;
import io.pulmo.coordinator.zookeeper.ZooKeeperUses;
import io.pulmo.node.HostPort;
import io.pulmo.node.Listen;
import io.pulmo.node.NodeServer;
import io.pulmo.node.StateFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running coordinator: its ZooKeeper or a connection to one, its part in the election, and its
 * gRPC service.
 */
public final class CoordinatorServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CoordinatorServer.class);
  private static final long LOOK_MILLIS = 20;

  private final NodeServer server;
  private final String zookeeper;
  private final Elected elected;
  private final Deque<AutoCloseable> parts;

  private CoordinatorServer(
      NodeServer server, String zookeeper, Elected elected, Deque<AutoCloseable> parts) {
    this.server = server;
    this.zookeeper = zookeeper;
    this.elected = elected;
    this.parts = parts;
  }

  /**
   * What a coordinator is told.
   *
   * @param listen where it serves
   * @param zookeeper HOST:PORT,... of ZooKeeper; empty for a server inside this process, which
   *     makes this the only coordinator
   * @param state the folder for the files of jobs and an embedded ZooKeeper's data
   * @param patience how long a running job waits for a worker that holds its state, before it goes
   *     back to a checkpoint
   * @param events told what this coordinator does as the leader
   */
  public record Settings(
      Listen listen, Optional<String> zookeeper, Path state, Duration patience, EventLog events) {
    /** Checks the addresses. */
    public Settings {
      zookeeper.ifPresent(HostPort::parseList);
    }

    /** With the patience that users get, and nobody told. */
    public Settings(Listen listen, Optional<String> zookeeper, Path state) {
      this(listen, zookeeper, state, Jobs.PATIENCE, EventLog.none());
    }
  }

  /**
   * Starts a coordinator; it may take a moment until one leads.
   *
   * @throws IOException if an address or folder cannot be used, or ZooKeeper does not answer
   */
  public static CoordinatorServer start(Settings settings)
      throws IOException, InterruptedException {
    Deque<AutoCloseable> parts = new ArrayDeque<>();
    try {
      opened(parts, StateFolder.take(settings.state()));
      BlobStore blobs = new BlobStore(settings.state().resolve("blobs"));
      String connect;
      if (settings.zookeeper().isPresent()) {
        connect = settings.zookeeper().get();
      } else {
        EmbeddedZooKeeper embedded =
            opened(parts, EmbeddedZooKeeper.start(settings.state().resolve("zookeeper"), 0));
        connect = embedded.connectString();
      }
      ZooKeeperSession session = opened(parts, ZooKeeperSession.connect(connect));
      Elected elected = new Elected();
      CoordinatorService service =
          opened(
              parts,
              new CoordinatorService(
                  elected,
                  blobs,
                  new ZooKeeperUses(session),
                  settings.patience(),
                  settings.events()));
      elected.service = service;
      if (settings.zookeeper().isPresent()) {
        refuseEmbedded(session, connect);
      }
      NodeServer server =
          opened(
              parts,
              NodeServer.start(
                  settings.listen(), NodeServer.CONTROL_MESSAGE_BYTES, List.of(service)));
      if (settings.zookeeper().isEmpty()) {
        session.markEmbedded(server.address().toString());
      }
      Election election = opened(parts, new Election(session, server.address(), elected));
      elected.election = election;
      election.start();
      return new CoordinatorServer(server, connect, elected, parts);
    } catch (IOException | InterruptedException | RuntimeException e) {
      closeAll(parts);
      throw e;
    }
  }

  private static void refuseEmbedded(ZooKeeperSession session, String connect) throws IOException {
    Optional<String> owner = session.embeddedIn();
    if (owner.isPresent()) {
      throw new IOException(
          "ZooKeeper at "
              + connect
              + " is embedded in the coordinator "
              + owner.get()
              + " and ends with it: for several coordinators start a ZooKeeper of its own and give"
              + " --zookeeper to each");
    }
  }

  /** Under which others reach it. */
  public HostPort address() {
    return server.address();
  }

  /** HOST:PORT,... of the ZooKeeper that it uses, its own or another. */
  public String zookeeper() {
    return zookeeper;
  }

  /** Who leads, if somebody is known to. */
  public Optional<HostPort> leader() {
    return elected.leader();
  }

  /**
   * Waits until some coordinator leads.
   *
   * @return which one
   * @throws IOException if none does in time
   */
  public HostPort awaitLeader(Duration patience) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      Optional<HostPort> leader = elected.leader();
      if (leader.isPresent()) {
        return leader.get();
      }
      if (System.nanoTime() - deadline > 0) {
        throw new IOException(
            "no coordinator leads after "
                + patience.toMillis() / 1000.0
                + " s: expected ZooKeeper to elect one; is it in good health?");
      }
      Thread.sleep(LOOK_MILLIS);
    }
  }

  /** Hands the leadership over and stops: every stream ends. */
  @Override
  public void close() {
    closeAll(parts);
  }

  private static <T extends AutoCloseable> T opened(Deque<AutoCloseable> parts, T part) {
    parts.push(part);
    return part;
  }

  private static void closeAll(Deque<AutoCloseable> parts) {
    while (!parts.isEmpty()) {
      try {
        parts.pop().close();
      } catch (Exception e) {
        log.warn("a part of the coordinator did not close", e);
      }
    }
  }

  /** Joins the election to the service, which must be there before its address is known. */
  private static final class Elected implements Election.Listener, Leadership {
    private volatile @Nullable CoordinatorService service;
    private volatile @Nullable Election election;

    @Override
    public void elected(FencedStore store) {
      CoordinatorService serving = service;
      if (serving != null) {
        serving.elected(new ZooKeeperJournal(store), store.epoch(), store::confirm);
      }
    }

    @Override
    public void deposed(String why) {
      CoordinatorService serving = service;
      if (serving != null) {
        serving.deposed(why);
      }
    }

    @Override
    public Optional<HostPort> leader() {
      Election joined = election;
      return joined == null ? Optional.empty() : joined.view().leader();
    }

    @Override
    public String whyNone() {
      Election joined = election;
      return joined == null ? "it is starting" : joined.whyNone();
    }

    @Override
    public long epoch() {
      Election joined = election;
      return joined == null ? 0 : joined.view().epoch();
    }

    @Override
    public List<HostPort> coordinators() {
      Election joined = election;
      return joined == null ? List.of() : joined.view().coordinators();
    }

    @Override
    public List<HostPort> others() {
      Election joined = election;
      return joined == null ? List.of() : joined.others();
    }

    @Override
    public void resign(long epoch, String why) {
      Election joined = election;
      if (joined != null) {
        joined.resign(epoch, why);
      }
    }
  }
}
