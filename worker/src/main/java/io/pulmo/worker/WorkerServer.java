package io.pulmo.worker;

import com.sun.management.OperatingSystemMXBean;
import io.pulmo.export.BundleExporter;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.node.HostPort;
import io.pulmo.node.LeaderFollower;
import io.pulmo.node.Listen;
import io.pulmo.node.NodeServer;
import io.pulmo.node.StateFolder;
import io.pulmo.worker.device.CpuDevice;
import io.pulmo.worker.ring.RingPlan;
import io.pulmo.worker.ring.RingService;
import io.pulmo.worker.rpc.ControlLink;
import io.pulmo.worker.rpc.Identity;
import io.pulmo.worker.rpc.ImageServing;
import io.pulmo.worker.rpc.PeerImages;
import io.pulmo.worker.rpc.PeerService;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running worker: its ring service, its tie to the leader, and what it trains. */
public final class WorkerServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(WorkerServer.class);

  private final StateFolder state;
  private final NodeServer server;
  private final RingService rings;
  private final PeerService peers;
  private final PeerImages peerImages;
  private final LeaderFollower leader;
  private final ControlLink link;
  private final Duties duties;
  private final Identity identity;

  private WorkerServer(
      StateFolder state,
      NodeServer server,
      RingService rings,
      PeerService peers,
      PeerImages peerImages,
      LeaderFollower leader,
      ControlLink link,
      Duties duties,
      Identity identity) {
    this.state = state;
    this.server = server;
    this.rings = rings;
    this.peers = peers;
    this.peerImages = peerImages;
    this.leader = leader;
    this.link = link;
    this.duties = duties;
    this.identity = identity;
  }

  /**
   * How a worker is started.
   *
   * @param coordinators some of the cluster's, at least one
   * @param data the folder under which the images of jobs lie
   * @param state a folder of its own, for files, checkpoints and bundles
   * @param listen where the other members reach it
   * @param limits on the images
   * @param events where a line of JSON tells each thing that happens to its state, if anywhere
   */
  public record Settings(
      List<HostPort> coordinators,
      Optional<Path> data,
      Path state,
      Listen listen,
      ImageLimits limits,
      Optional<PrintStream> events) {
    /** Of a worker that tells no events. */
    public Settings(
        List<HostPort> coordinators,
        Optional<Path> data,
        Path state,
        Listen listen,
        ImageLimits limits) {
      this(coordinators, data, state, listen, limits, Optional.empty());
    }

    /** Checks that there is a coordinator and that the data are a folder. */
    public Settings {
      coordinators = List.copyOf(coordinators);
      if (coordinators.isEmpty()) {
        throw new IllegalArgumentException("no coordinator: expected at least one HOST:PORT");
      }
      if (data.isPresent() && !Files.isDirectory(data.get())) {
        throw new IllegalArgumentException(
            "--data " + data.get() + " is no folder: give the one under which the images lie");
      }
    }
  }

  /**
   * Starts a worker; it looks for the leader from then on.
   *
   * @throws IOException if the address or the state folder cannot be used
   */
  public static WorkerServer start(Settings settings) throws IOException {
    StateFolder state = StateFolder.take(settings.state());
    String memberId = UUID.randomUUID().toString();
    RingService rings = new RingService();
    ImageServing images = new ImageServing();
    PeerService peers = new PeerService(images);
    PeerImages peerImages = new PeerImages();
    NodeServer server;
    String replaces;
    try {
      replaces = MemberIdFile.replace(settings.state(), memberId);
      server =
          NodeServer.start(settings.listen(), RingService.MESSAGE_BYTES, List.of(rings, peers));
    } catch (IOException | RuntimeException e) {
      rings.close();
      state.close();
      throw e;
    }
    Identity identity =
        new Identity(
            memberId,
            server.address() + "/" + ProcessHandle.current().pid(),
            server.address(),
            HostId.read(),
            Runtime.getRuntime().availableProcessors(),
            "cpu",
            version(),
            memoryBytes(),
            replaces);
    LeaderFollower leader = new LeaderFollower(settings.coordinators());
    ControlLink link = new ControlLink(identity, leader);
    Workplace workplace =
        new Workplace(
            new RingPlan.Peer(memberId, identity.name(), server.address().toString()),
            settings.data(),
            settings.limits(),
            settings.state(),
            leader,
            rings,
            images,
            peerImages,
            CpuDevice::new,
            new BundleExporter(Clock.systemUTC()),
            new EventLog(settings.events().orElse(null), memberId, Clock.systemUTC()),
            Clock.systemUTC());
    Duties duties = new Duties(workplace, link.reports());
    peers.serve(duties);
    link.start(duties);
    return new WorkerServer(
        state, server, rings, peers, peerImages, leader, link, duties, identity);
  }

  private static String version() {
    String version = WorkerServer.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  private static long memoryBytes() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : 0;
  }

  /** Under which the other members reach it. */
  public HostPort address() {
    return server.address();
  }

  /** Drawn at random when it started. */
  public String memberId() {
    return identity.memberId();
  }

  /** For people: its address and process. */
  public String name() {
    return identity.name();
  }

  /** Whether a leader has taken it in and the stream to it is up. */
  public boolean isAttached() {
    return link.isWelcomed();
  }

  /**
   * Leaves the cluster in good order: goes on until the others go on without this worker, or until
   * there has been no leader for ten seconds, then closes.
   */
  public void leave() throws InterruptedException {
    try {
      duties.leave();
    } finally {
      close();
    }
  }

  /** Leaves the cluster at once: the leader's stream ends first, then what runs is stopped. */
  @Override
  public void close() {
    link.close();
    duties.close();
    rings.close();
    peers.close();
    peerImages.close();
    server.close();
    leader.close();
    try {
      state.close();
    } catch (IOException e) {
      log.warn("the lock of the state folder was not given back", e);
    }
  }

  /** Cuts off every connection at once, as the death of the process would. */
  void kill() {
    server.closeNow();
    close();
  }
}
