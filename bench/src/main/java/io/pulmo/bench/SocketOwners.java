package io.pulmo.bench;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** Which of some processes has which end of a TCP connection on this machine, by Linux' /proc. */
final class SocketOwners implements Switchboard.Owners {
  private static final int LOCAL = 1;
  private static final int INODE = 9;

  private final Map<Long, String> names = new ConcurrentHashMap<>();

  /** Adds a process. */
  void add(long pid, String name) {
    names.put(pid, name);
  }

  /** Forgets a process. */
  void remove(long pid) {
    names.remove(pid);
  }

  @Override
  public String of(int port) throws IOException {
    Optional<String> socket = socket(port);
    if (socket.isPresent()) {
      for (Map.Entry<Long, String> process : names.entrySet()) {
        if (has(process.getKey(), socket.get())) {
          return process.getValue();
        }
      }
    }
    return "";
  }

  /** The socket with a local port that is connected, as the links in /proc/PID/fd name it. */
  private static Optional<String> socket(int port) throws IOException {
    String ending = String.format(Locale.ROOT, ":%04X", port);
    for (String table : new String[] {"/proc/net/tcp", "/proc/net/tcp6"}) {
      Path path = Path.of(table);
      if (!Files.exists(path)) {
        continue;
      }
      try (Stream<String> lines = Files.lines(path)) {
        Optional<String> inode =
            lines
                .skip(1)
                .map(line -> line.strip().split("\\s+", -1))
                .filter(fields -> fields.length > INODE && fields[LOCAL].endsWith(ending))
                .map(fields -> fields[INODE])
                .filter(number -> !number.equals("0"))
                .findFirst();
        if (inode.isPresent()) {
          return Optional.of("socket:[" + inode.get() + "]");
        }
      }
    }
    return Optional.empty();
  }

  private static boolean has(long pid, String socket) {
    try (DirectoryStream<Path> links =
        Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "fd"))) {
      for (Path link : links) {
        if (isLinkTo(link, socket)) {
          return true;
        }
      }
    } catch (IOException ended) {
      return false;
    }
    return false;
  }

  private static boolean isLinkTo(Path link, String socket) {
    try {
      return Files.readSymbolicLink(link).toString().equals(socket);
    } catch (IOException closed) {
      return false;
    }
  }
}
