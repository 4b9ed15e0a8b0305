package io.pulmo.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The one CPU that this process and its later children run on, set by util-linux' taskset. */
final class OneCpu {
  private static final Pattern LAST_ALLOWED = Pattern.compile("(?s).*list: .*?([0-9]+)\\s*");

  private OneCpu() {}

  /** Pins all threads to the last CPU that is allowed; its number, or none without taskset. */
  static Optional<Integer> pin() throws IOException, InterruptedException {
    String pid = Long.toString(ProcessHandle.current().pid());
    Optional<String> allowed = taskset("-c", "-p", pid);
    if (allowed.isEmpty()) {
      return Optional.empty();
    }
    Matcher last = LAST_ALLOWED.matcher(allowed.get());
    if (!last.matches() || taskset("-a", "-c", "-p", last.group(1), pid).isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(Integer.valueOf(last.group(1)));
  }

  private static Optional<String> taskset(String... arguments)
      throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 1];
    command[0] = "taskset";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException notInstalled) {
      return Optional.empty();
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() == 0 ? Optional.of(output) : Optional.empty();
  }
}
