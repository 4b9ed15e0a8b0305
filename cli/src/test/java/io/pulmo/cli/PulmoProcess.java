package io.pulmo.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The pulmo command, or another main class of its class path, as a process of its own in a
 * directory of its own.
 */
final class PulmoProcess implements AutoCloseable {
  private static final String END = "\0end";

  private final Process process;
  private final List<Thread> readers = new ArrayList<>();
  private final List<String> errors = new CopyOnWriteArrayList<>();
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> errorLines = new LinkedBlockingQueue<>();

  private PulmoProcess(Process process) {
    this.process = process;
  }

  /** Runs the command; it ends with this JVM. */
  static PulmoProcess start(Path directory, String... arguments) throws IOException {
    return startMain(directory, "io.pulmo.cli.Pulmo", arguments);
  }

  /** Runs a main class of the class path. */
  static PulmoProcess startMain(Path directory, String main, String... arguments)
      throws IOException {
    Files.createDirectories(directory);
    List<String> command =
        new ArrayList<>(
            List.of(
                // Whoever runs the tests in the background has them ignore Ctrl-C, which is
                // inherited.
                "env",
                "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                main));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).directory(directory.toFile()).start();
    PulmoProcess started = new PulmoProcess(process);
    started.readInBackground(process.getInputStream(), started.lines, line -> {});
    started.readInBackground(process.getErrorStream(), started.errorLines, started.errors::add);
    return started;
  }

  private void readInBackground(
      InputStream from, BlockingQueue<String> into, Consumer<String> also) {
    readers.add(Thread.ofPlatform().daemon().start(() -> read(from, into, also)));
  }

  private static void read(InputStream from, BlockingQueue<String> into, Consumer<String> also) {
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        also.accept(line);
        into.add(line);
      }
    } catch (IOException e) {
      into.add(e.toString());
    } finally {
      into.add(END);
    }
  }

  /** The first group of the first line of its output that matches. */
  String await(String regex, Duration patience) throws Exception {
    return await(lines, regex, patience);
  }

  /** As await, of a line of standard error. */
  String awaitError(String regex, Duration patience) throws Exception {
    return await(errorLines, regex, patience);
  }

  private String await(BlockingQueue<String> lines, String regex, Duration patience)
      throws Exception {
    Pattern pattern = Pattern.compile(regex);
    long deadlineNanos = System.nanoTime() + patience.toNanos();
    while (true) {
      String line =
          lines.poll(Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
      if (line == null || line.equals(END)) {
        throw new AssertionError(
            (line == null ? "no line" : "it ended before a line")
                + " that matches "
                + regex
                + "; standard error: "
                + errors());
      }
      Matcher matcher = pattern.matcher(line);
      if (matcher.matches()) {
        return matcher.groupCount() == 0 ? line : matcher.group(1);
      }
    }
  }

  /** Waits for its end; the exit code. */
  int awaitExit(Duration patience) throws InterruptedException {
    if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError("still running after " + patience + "; standard error: " + errors());
    }
    for (Thread reader : readers) {
      reader.join();
    }
    return process.exitValue();
  }

  /** The rest of its output, once it has ended. */
  String output() throws InterruptedException {
    StringBuilder all = new StringBuilder();
    for (String line = lines.take(); !line.equals(END); line = lines.take()) {
      all.append(line).append('\n');
    }
    return all.toString();
  }

  /** What it has written to standard error so far. */
  String errors() {
    return String.join("\n", errors);
  }

  /** Writes to its standard input. */
  void give(String text) throws IOException {
    process.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().flush();
  }

  /** Ends its standard input. */
  void endInput() throws IOException {
    process.getOutputStream().close();
  }

  ProcessHandle handle() {
    return process.toHandle();
  }

  long pid() {
    return process.pid();
  }

  /** Sends a signal by its name, such as KILL or STOP. */
  void signal(String name) throws IOException, InterruptedException {
    Process kill =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).inheritIO().start();
    if (kill.waitFor() != 0) {
      throw new AssertionError("kill -" + name + " " + process.pid() + " failed");
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
