package io.pulmo.bench;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.bench.ClusterEvent.Action;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.data.SyntheticRadiographs;
import io.pulmo.model.network.Preset;
import io.pulmo.node.HostPort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SequencedMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A cluster under test: an ensemble of ZooKeeper servers, coordinators and workers, each a process
 * of its own in a directory of its own, every wire to a coordinator or worker through a
 * switchboard.
 */
final class Cluster implements AutoCloseable {
  static final Duration START = Duration.ofMinutes(2);
  private static final String PULMO = "io.pulmo.cli.Pulmo";
  private static final long LISTEN_TO_MILLIS = 50;
  private static final int LEAST_SIDE = 64;

  private final Path directory;
  private final Path data;
  private final SyncedEvents events;
  private final SocketOwners owners = new SocketOwners();
  private final Switchboard wires = new Switchboard(owners);
  private final Map<String, Switchboard.Line> lines = new LinkedHashMap<>();
  private final Map<String, Integer> ports = new LinkedHashMap<>();
  private final Map<String, String> stateOf = new LinkedHashMap<>();
  private final SequencedMap<String, ChildJvm> coordinators = new LinkedHashMap<>();
  private final SequencedMap<String, ChildJvm> workers = new LinkedHashMap<>();
  private final List<ChildJvm> others = new ArrayList<>();
  private @Nullable Ensemble ensemble;
  private int samples;
  private int states;

  @GuardedBy("this")
  private final ClusterHistory history = new ClusterHistory();

  @GuardedBy("this")
  private @Nullable RuntimeException wrong;

  private final boolean wired;

  private Cluster(Path directory, Path events, boolean wired) throws IOException {
    this.wired = wired;
    this.directory = directory;
    this.data = directory.resolve("data");
    this.events = SyncedEvents.create(events, this::heard);
  }

  /**
   * Starts servers and coordinators, and draws the images; no worker yet.
   *
   * @param directory for all of it
   * @param events the file of events
   * @param patients of the drawn data set
   * @param wired whether all wires go through the switchboard, so that they can be cut; else they
   *     are direct, and cost nothing
   */
  static Cluster start(
      Path directory,
      Path events,
      ClusterEvent.Begin begin,
      int patients,
      Preset preset,
      boolean wired)
      throws IOException, InterruptedException {
    Cluster cluster = new Cluster(directory, events, wired);
    try {
      cluster.events.add(begin);
      int side = preset.preprocessing().resizePixels();
      cluster.samples =
          SyntheticRadiographs.generate(
                  new SyntheticRadiographs.Settings(
                      patients, begin.seed(), Math.max(LEAST_SIDE, side), true),
                  cluster.data,
                  done -> {})
              .trainImages();
      Ensemble servers = Ensemble.start(directory, begin.zookeepers(), cluster.events);
      cluster.ensemble = servers;
      servers.awaitReady(START);
      for (int c = 1; c <= begin.coordinators(); c++) {
        cluster.startCoordinator("coordinator-" + c);
      }
      for (ChildJvm coordinator : cluster.coordinators.values()) {
        String unused = coordinator.awaitAddress(START);
      }
      return cluster;
    } catch (IOException | InterruptedException | RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  private synchronized void heard(ClusterEvent event) {
    try {
      history.take(event);
    } catch (IllegalArgumentException e) {
      if (wrong == null) {
        wrong = new IllegalArgumentException(e.getMessage() + ", in " + event, e);
      }
    }
    notifyAll();
  }

  /** Looks at what has happened so far. */
  synchronized <T> T look(Function<ClusterHistory, T> at) {
    return at.apply(history);
  }

  /**
   * Waits until there is something.
   *
   * @return it, or nothing if the time is over
   */
  synchronized <T> Optional<T> await(Duration patience, Function<ClusterHistory, Optional<T>> what)
      throws InterruptedException, IOException {
    long deadlineNanos = System.nanoTime() + patience.toNanos();
    while (true) {
      if (wrong != null) {
        throw CommandFailure.work("the events contradict each other: " + wrong.getMessage());
      }
      events.check();
      Optional<T> found = what.apply(history);
      if (found.isPresent() || System.nanoTime() > deadlineNanos) {
        return found;
      }
      TimeUnit.MILLISECONDS.timedWait(this, LISTEN_TO_MILLIS);
    }
  }

  SyncedEvents events() {
    return events;
  }

  Ensemble ensemble() {
    Ensemble known = ensemble;
    if (known == null) {
      throw new IllegalStateException("the cluster has not started");
    }
    return known;
  }

  /** The folder with the drawn images and their lists. */
  Path data() {
    return data;
  }

  Path directory() {
    return directory;
  }

  /** How many images the training list has. */
  int samples() {
    return samples;
  }

  /** Under which the coordinators are reached. */
  List<HostPort> coordinatorAddresses() throws IOException {
    List<HostPort> addresses = new ArrayList<>();
    for (String name : coordinators.keySet()) {
      addresses.add(address(name));
    }
    return addresses;
  }

  private String coordinatorList() throws IOException {
    return String.join(",", coordinatorAddresses().stream().map(HostPort::toString).toList());
  }

  /** Under which a server is reached, also while it does not run. */
  private HostPort address(String name) throws IOException {
    Integer known = ports.get(name);
    HostPort own = new HostPort("127.0.0.1", known == null ? Ensemble.freePort() : known);
    ports.put(name, own.port());
    if (!wired) {
      return own;
    }
    Switchboard.Line line = lines.get(name);
    if (line == null) {
      line = wires.line(name, own);
      lines.put(name, line);
    }
    return line.address();
  }

  /** Starts a coordinator, or starts it again on the state that it had. */
  ChildJvm startCoordinator(String name) throws IOException {
    String advertised = address(name).toString();
    ChildJvm coordinator =
        ChildJvm.start(
            name,
            directory.resolve(name),
            events,
            PULMO,
            List.of(
                "coordinator",
                "--events",
                "--exit-with-parent",
                "--port",
                String.valueOf(ports.get(name)),
                "--advertise",
                advertised,
                "--zookeeper",
                ensemble().connect(),
                "--state",
                "state"));
    owners.add(coordinator.pid(), name);
    coordinators.put(name, coordinator);
    return coordinator;
  }

  /**
   * Starts a worker, in the place of the one of that name if there was one.
   *
   * @param onOldState whether it takes over the state folder of the one before
   */
  ChildJvm startWorker(String name, boolean onOldState) throws IOException {
    // Another address, as a machine that takes over has.
    ports.remove(name);
    Switchboard.Line before = lines.remove(name);
    if (before != null) {
      before.close();
    }
    if (!onOldState) {
      states++;
    }
    String state = onOldState ? stateOf.getOrDefault(name, "state") : "state-" + states;
    stateOf.put(name, state);
    String advertised = address(name).toString();
    ChildJvm worker =
        ChildJvm.start(
            name,
            directory.resolve(name),
            events,
            PULMO,
            List.of(
                "worker",
                "--events",
                "--exit-with-parent",
                "--port",
                String.valueOf(ports.get(name)),
                "--advertise",
                advertised,
                "--coordinator",
                coordinatorList(),
                "--data",
                data.toString(),
                "--state",
                state));
    owners.add(worker.pid(), name);
    ChildJvm replaced = workers.put(name, worker);
    if (replaced != null) {
      owners.remove(replaced.pid());
      others.add(replaced);
    }
    return worker;
  }

  /** The workers by name, the newest of each. */
  SequencedMap<String, ChildJvm> workers() {
    return workers;
  }

  /** The coordinators by name, the newest of each. */
  SequencedMap<String, ChildJvm> coordinators() {
    return coordinators;
  }

  /** Does something to a process. */
  void act(Action action, ChildJvm child) throws IOException {
    switch (action) {
      case CUT -> {
        note(action, child);
        wires.cut(child.name());
      }
      case MEND -> {
        note(action, child);
        wires.mend(child.name());
      }
      case SLOW, FREE -> note(action, child);
      case KILL, TERM, STOP, CONT -> child.act(action);
    }
  }

  private void note(Action action, ChildJvm child) {
    events.add(new ClusterEvent.Did(events.now(), action, child.name(), child.pid()));
  }

  /** The coordinator that took office last, if it lives. */
  Optional<ChildJvm> leader() {
    Optional<ClusterHistory.Lead> newest =
        look(
            seen ->
                seen.leads().stream().max(Comparator.comparingLong(ClusterHistory.Lead::epoch)));
    return newest.flatMap(
        lead ->
            coordinators.values().stream()
                .filter(child -> child.pid() == lead.pid() && child.isAlive())
                .findFirst());
  }

  /**
   * The same once there is one.
   *
   * @throws CommandFailure if there is none in that time
   */
  ChildJvm awaitLeader(Duration patience) throws IOException, InterruptedException {
    return await(patience, seen -> leader())
        .orElseThrow(() -> CommandFailure.work("no coordinator has said that it leads"));
  }

  /** One of the workers. */
  ChildJvm anyWorker(Random random) {
    return List.copyOf(workers.values()).get(random.nextInt(workers.size()));
  }

  /** Runs a command of users to its end; its exit code. Its output goes to the log beside it. */
  int command(String... arguments) throws IOException, InterruptedException {
    Path folder = Files.createDirectories(directory.resolve("command"));
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--coordinator", coordinatorList()));
    try (ChildJvm child = ChildJvm.start("command", folder, events, PULMO, all)) {
      return child.awaitExit(START);
    }
  }

  /** Starts another main class of this class path, which ends with the cluster. */
  ChildJvm startOther(String name, String main) throws IOException {
    ChildJvm child = ChildJvm.start(name, directory.resolve(name), events, main, List.of());
    others.add(child);
    return child;
  }

  @Override
  public void close() throws IOException {
    events.add(new ClusterEvent.Phase(events.now(), ClusterEvent.Weather.END, true));
    // The stopped do not see that their parent is gone.
    workers.values().forEach(ChildJvm::close);
    coordinators.values().forEach(ChildJvm::close);
    others.forEach(ChildJvm::close);
    if (ensemble != null) {
      ensemble.close();
    }
    wires.close();
    events.close();
  }
}
