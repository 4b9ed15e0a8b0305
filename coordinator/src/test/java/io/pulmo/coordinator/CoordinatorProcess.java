package io.pulmo.coordinator;

import io.pulmo.node.HostPort;
import io.pulmo.node.Listen;
import io.pulmo.node.ParentWatch;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** A coordinator in a process of its own, which a test can kill or pause. */
final class CoordinatorProcess implements AutoCloseable {
  final HostPort address;
  private final Process process;

  private CoordinatorProcess(Process process, HostPort address) {
    this.process = process;
    this.address = address;
  }

  static CoordinatorProcess start(String zookeeper, Path state) throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                "-cp",
                System.getProperty("java.class.path"),
                CoordinatorProcess.class.getName(),
                zookeeper,
                state.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    // Left open: the child reads on while this process lives.
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = out.readLine();
    if (line == null) {
      process.destroyForcibly();
      throw new IOException("the coordinator's process ended without a word");
    }
    return new CoordinatorProcess(process, HostPort.parse(line));
  }

  void kill() {
    process.destroyForcibly();
  }

  void signal(String name) throws IOException, InterruptedException {
    int code =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (code != 0) {
      throw new IOException("kill -" + name + " exited with " + code);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** The child: prints its address and serves until its parent is gone. */
  public static void main(String[] args) throws Exception {
    ParentWatch.start(() -> {});
    CoordinatorServer server =
        CoordinatorServer.start(
            new CoordinatorServer.Settings(
                Listen.loopback(0), Optional.of(args[0]), Path.of(args[1])));
    System.out.println(server.address());
    Thread.currentThread().join();
  }
}
