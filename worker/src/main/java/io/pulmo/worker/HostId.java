package io.pulmo.worker;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What tells this machine apart from others: its host name and the id that its system gave it. */
final class HostId {
  private static final Logger log = LoggerFactory.getLogger(HostId.class);

  // The boot id first: machines cloned from one image share their machine id.
  private static final List<Path> IDS =
      List.of(Path.of("/proc/sys/kernel/random/boot_id"), Path.of("/etc/machine-id"));

  private HostId() {}

  static String read() {
    String host;
    try {
      host = InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      host = "localhost";
    }
    for (Path file : IDS) {
      try {
        String id = Files.readString(file).strip();
        if (!id.isEmpty() && id.length() <= 64) {
          return host + "/" + id;
        }
      } catch (IOException e) {
        log.debug("{} cannot be read", file, e);
      }
    }
    return host;
  }
}
