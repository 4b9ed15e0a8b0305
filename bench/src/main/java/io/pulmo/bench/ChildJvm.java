package io.pulmo.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A process of a cluster under test: a main class of this class path in this JVM's Java, in a
 * directory of its own. Its id and its beginning are the kernel's; what it says on standard output
 * becomes events with the time at which it was read; standard error goes to a log file.
 *
 * <p>The child reads its standard input and ends with it, so also with this process.
 */
final class ChildJvm implements AutoCloseable {
  private static final Pattern LISTENING = Pattern.compile(".* listening on (\\S+:\\d+)");
  private static final int START_TICKS_FIELD = 19; // of those after the name, from 0
  private static final int MOST_LINE_CHARACTERS = 3_800;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final String name;
  private final Process process;
  private final Path log;
  private final SyncedEvents events;
  private final CompletableFuture<String> address = new CompletableFuture<>();
  private final Thread reader;

  private ChildJvm(String name, Process process, Path log, SyncedEvents events) {
    this.name = name;
    this.process = process;
    this.log = log;
    this.events = events;
    this.reader = Thread.ofPlatform().daemon().name("output of " + name).unstarted(this::read);
  }

  /**
   * Starts it.
   *
   * @param name its role and place, as worker-2
   * @param directory its working directory, made if absent
   */
  static ChildJvm start(
      String name, Path directory, SyncedEvents events, String main, List<String> arguments)
      throws IOException {
    Files.createDirectories(directory);
    Path log = directory.resolve(name + ".log");
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                main));
    command.addAll(arguments);
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    ChildJvm child = new ChildJvm(name, process, log, events);
    events.add(
        new ClusterEvent.Started(events.now(), name, process.pid(), startTicks(process.pid())));
    child.reader.start();
    return child;
  }

  /** When a process began, in clock ticks since boot, by the kernel. */
  static long startTicks(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    // The name, in brackets, may hold anything.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return Long.parseLong(fields[START_TICKS_FIELD]);
  }

  private void read() {
    try (BufferedReader lines = process.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        long t = events.now();
        Matcher listening = LISTENING.matcher(line);
        if (line.startsWith("{")) {
          said(t, line);
        } else if (listening.matches()) {
          address.complete(listening.group(1));
        }
      }
      address.completeExceptionally(new IOException("it ended"));
      events.add(new ClusterEvent.Ended(events.now(), name, process.pid(), process.waitFor()));
    } catch (IOException e) {
      address.completeExceptionally(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void said(long t, String line) {
    if (line.length() > MOST_LINE_CHARACTERS) {
      return;
    }
    try {
      events.add(new ClusterEvent.Said(t, name, process.pid(), MAPPER.readTree(line)));
    } catch (JsonProcessingException cutOff) {
      // The last line of a process that was killed while it wrote.
    }
  }

  String name() {
    return name;
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Looks at it again, and notes what the kernel says. */
  void lookAgain() throws IOException {
    try {
      events.add(
          new ClusterEvent.Alive(events.now(), name, process.pid(), startTicks(process.pid())));
    } catch (NoSuchFileException ended) {
      // Its end is an event of its own.
    }
  }

  /** HOST:PORT once it listens. */
  String awaitAddress(Duration patience) throws InterruptedException {
    try {
      return address.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException ended) {
      throw CommandFailure.work(name + " ended before it listened; its log: " + log);
    } catch (TimeoutException late) {
      throw CommandFailure.work(
          name + " did not listen within " + patience.toSeconds() + " s; its log: " + log);
    }
  }

  /** Does something to it that a signal does. */
  void act(ClusterEvent.Action action) throws IOException {
    Signals.Signal signal =
        switch (action) {
          case KILL -> Signals.Signal.KILL;
          case TERM -> Signals.Signal.TERM;
          case STOP -> Signals.Signal.STOP;
          case CONT -> Signals.Signal.CONT;
          case CUT, MEND, SLOW, FREE ->
              throw new IllegalArgumentException(action + " is no signal");
        };
    // Noted first: what follows from it cannot be noted before it then.
    events.add(new ClusterEvent.Did(events.now(), action, name, process.pid()));
    Signals.send(signal, process.pid());
  }

  /** Sends a signal that is no event of its own. */
  void signal(Signals.Signal signal) throws IOException {
    Signals.send(signal, process.pid());
  }

  /** Waits for its end; its exit code. */
  int awaitExit(Duration patience) throws InterruptedException {
    if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
      throw CommandFailure.work(
          name + " still runs after " + patience.toSeconds() + " s; its log: " + log);
    }
    return process.exitValue();
  }

  /** Ends it, also if it is stopped. */
  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
      reader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
