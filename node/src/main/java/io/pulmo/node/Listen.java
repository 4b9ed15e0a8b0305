package io.pulmo.node;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/**
 * Where a server listens and under which address others reach it.
 *
 * @param bind the host name or IP address to bind
 * @param port 0 for a free one
 * @param advertise HOST or HOST:PORT that others are told, if it is not the bound one
 * @param insecure whether the user accepts that an address beyond this machine is served without
 *     TLS
 */
public record Listen(String bind, int port, Optional<String> advertise, boolean insecure) {
  /** The default address: this machine alone. */
  public static final String LOOPBACK = "127.0.0.1";

  /** Refuses an address that others could reach, unless the user said so. */
  public Listen {
    HostPort checked = new HostPort(bind, port);
    advertise.ifPresent(Listen::parseAdvertised);
    InetAddress address = resolve(checked);
    if (!address.isLoopbackAddress() && !insecure) {
      throw new IllegalArgumentException(
          "refused to listen on "
              + bind
              + ": it can be reached from other machines and there is no TLS yet; bind "
              + LOOPBACK
              + ", or give --insecure on a network that you trust");
    }
    if (address.isAnyLocalAddress() && advertise.isEmpty()) {
      throw new IllegalArgumentException(
          "bind "
              + bind
              + " does not say under which address others reach this server: add --advertise HOST");
    }
  }

  /** On this machine alone; port 0 for a free one. */
  public static Listen loopback(int port) {
    return new Listen(LOOPBACK, port, Optional.empty(), false);
  }

  /** What others are told once the server has the given port. */
  HostPort advertised(int boundPort) {
    if (advertise.isEmpty()) {
      return new HostPort(bind, boundPort);
    }
    HostPort told = parseAdvertised(advertise.get());
    return told.port() == 0 ? new HostPort(told.host(), boundPort) : told;
  }

  private static HostPort parseAdvertised(String text) {
    boolean onlyHost =
        text.startsWith("[") ? text.endsWith("]") : text.indexOf(':') == text.lastIndexOf(':');
    onlyHost = onlyHost && (text.startsWith("[") || text.indexOf(':') < 0);
    return HostPort.parse(onlyHost ? text + ":0" : text);
  }

  private static InetAddress resolve(HostPort address) {
    try {
      return InetAddress.getByName(address.host());
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(
          "bind address '"
              + address.host()
              + "' is unknown on this machine: give one of its addresses, as "
              + LOOPBACK,
          e);
    }
  }
}
