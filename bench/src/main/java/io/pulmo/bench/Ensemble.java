package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A ZooKeeper ensemble of several server processes. */
final class Ensemble implements AutoCloseable {
  private static final int TICK_MILLIS = 500;
  private static final int ANSWER_MILLIS = 1_000;
  private static final long LOOK_MILLIS = 100;

  private final Path directory;
  private final SyncedEvents events;
  private final List<Integer> ports = new ArrayList<>();
  private final List<ChildJvm> servers = new ArrayList<>();

  private Ensemble(Path directory, SyncedEvents events) {
    this.directory = directory;
    this.events = events;
  }

  /** Starts so many servers, each in a directory of its own. */
  static Ensemble start(Path directory, int servers, SyncedEvents events) throws IOException {
    Ensemble ensemble = new Ensemble(directory, events);
    List<String> members = new ArrayList<>();
    for (int id = 1; id <= servers; id++) {
      ensemble.ports.add(freePort());
      members.add("server.%d=127.0.0.1:%d:%d".formatted(id, freePort(), freePort()));
    }
    for (int id = 1; id <= servers; id++) {
      Path data = ensemble.folder(id).resolve("data");
      Files.createDirectories(data);
      Files.writeString(data.resolve("myid"), Integer.toString(id));
      Files.writeString(
          ensemble.folder(id).resolve("zoo.cfg"),
          """
          tickTime=%d
          initLimit=20
          syncLimit=4
          dataDir=%s
          clientPort=%d
          clientPortAddress=127.0.0.1
          admin.enableServer=false
          4lw.commands.whitelist=srvr
          %s
          """
              .formatted(
                  TICK_MILLIS,
                  data,
                  ensemble.ports.get(id - 1),
                  servers == 1 ? "" : String.join("\n", members)));
    }
    for (int id = 1; id <= servers; id++) {
      ensemble.servers.add(ensemble.server(id));
    }
    return ensemble;
  }

  private Path folder(int id) {
    return directory.resolve("zookeeper-" + id);
  }

  private ChildJvm server(int id) throws IOException {
    return ChildJvm.start(
        "zookeeper-" + id,
        folder(id),
        events,
        ZooKeeperMain.class.getName(),
        List.of(folder(id).resolve("zoo.cfg").toString()));
  }

  /** HOST:PORT,... for clients. */
  String connect() {
    return ports.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
  }

  /** Waits until every server takes part. */
  void awaitReady(Duration patience) throws InterruptedException {
    long deadlineNanos = System.nanoTime() + patience.toNanos();
    for (int port : ports) {
      while (!isServing(port)) {
        boolean ended = servers.stream().anyMatch(server -> !server.isAlive());
        if (ended || System.nanoTime() > deadlineNanos) {
          throw CommandFailure.work(
              "the ZooKeeper server on port %d %s; its log is under %s"
                  .formatted(
                      port,
                      ended
                          ? "does not serve, and one of the ensemble has ended"
                          : "does not serve after " + patience.toSeconds() + " s",
                      directory));
        }
        Thread.sleep(LOOK_MILLIS);
      }
    }
  }

  private static boolean isServing(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), ANSWER_MILLIS);
      socket.setSoTimeout(ANSWER_MILLIS);
      socket.getOutputStream().write("srvr".getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      return answer.contains("Mode: ");
    } catch (IOException notYet) {
      return false;
    }
  }

  /** Does something to every server. */
  void act(ClusterEvent.Action action) throws IOException {
    for (ChildJvm server : servers) {
      server.act(action);
    }
  }

  /** How many servers it has. */
  int size() {
    return servers.size();
  }

  /** Does something to one server, counted from 0. */
  void act(ClusterEvent.Action action, int place) throws IOException {
    servers.get(place).act(action);
  }

  /** Starts servers that were killed again, on the data that they had. */
  void restart() throws IOException, InterruptedException {
    for (int place = 0; place < servers.size(); place++) {
      restart(place);
    }
  }

  /** Starts a server that was killed again, on the data that it had. */
  void restart(int place) throws IOException, InterruptedException {
    servers.get(place).awaitExit(Duration.ofSeconds(10));
    servers.set(place, server(place + 1));
  }

  /** A port of the loopback address that is free at this moment. */
  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Override
  public void close() {
    servers.forEach(ChildJvm::close);
  }
}
