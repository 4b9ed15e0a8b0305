package io.pulmo.cli.demo;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
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
 * One server of the demonstration: this program again, as a process of its own in a directory of
 * its own.
 *
 * <p>The child reads its standard input and ends with it. Only this process holds the other end, so
 * the child ends when this process does, whatever ended it.
 */
final class ChildProcess implements AutoCloseable {
  private static final Pattern LISTENING = Pattern.compile(".* listening on (\\S+:\\d+)");
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(10);
  private static final int LOG_TAIL_LINES = 5;

  private final String name;
  private final Process process;
  private final Path log;
  private final CompletableFuture<String> address = new CompletableFuture<>();

  private ChildProcess(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  /**
   * Starts it.
   *
   * @param name for messages and its log file
   * @param directory its working directory, made if absent
   * @param arguments of the pulmo command
   */
  static ChildProcess start(String name, Path directory, List<String> arguments)
      throws IOException {
    Files.createDirectories(directory);
    Path log = directory.resolve(name + ".log");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!flag.startsWith("-agentlib") && !flag.startsWith("-javaagent")) {
        command.add(flag);
      }
    }
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add("io.pulmo.cli.Pulmo");
    command.addAll(arguments);
    command.add("--exit-with-parent");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectError(log.toFile())
            .start();
    ChildProcess child = new ChildProcess(name, process, log);
    Thread reader = new Thread(child::readOutput, "output of " + name);
    reader.setDaemon(true);
    reader.start();
    return child;
  }

  private void readOutput() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher listening = LISTENING.matcher(line);
        if (listening.matches()) {
          address.complete(listening.group(1));
        }
      }
      address.completeExceptionally(new IOException("it ended"));
    } catch (IOException e) {
      address.completeExceptionally(e);
    }
  }

  /** HOST:PORT once it listens. */
  String awaitAddress(Duration patience) throws InterruptedException {
    try {
      return address.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException ended) {
      throw CommandFailure.work("the " + name + " ended before it listened" + logTail());
    } catch (TimeoutException late) {
      throw CommandFailure.work(
          "the " + name + " did not listen within " + patience.toSeconds() + " s" + logTail());
    }
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** The end of its log, for an error message. */
  String logTail() {
    try {
      List<String> lines = Files.readAllLines(log);
      List<String> tail = lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size());
      return tail.isEmpty()
          ? "; its log " + log + " is empty"
          : "; the end of " + log + ":\n" + String.join("\n", tail);
    } catch (IOException unreadable) {
      return "; its log " + log + " cannot be read";
    }
  }

  @Override
  public void close() {
    try {
      process.getOutputStream().close();
    } catch (IOException alreadyGone) {
      // it has ended, which is what closing is for
    }
    try {
      if (!process.waitFor(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
