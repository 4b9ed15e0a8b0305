package io.pulmo.node;

import java.util.ArrayList;
import java.util.List;

/**
 * The address of a server: a host name or IP address, and a port.
 *
 * @param host without the brackets of an IPv6 literal
 * @param port 0 to 65535; 0 only where a free one is to be picked
 */
public record HostPort(String host, int port) {
  private static final int LONGEST_HOST = 255;
  private static final int LONGEST_LIST = 64;

  /** Checks the parts. */
  public HostPort {
    if (host.isEmpty() || host.length() > LONGEST_HOST || !host.chars().allMatch(HostPort::fits)) {
      throw new IllegalArgumentException(
          "'" + shortened(host) + "' is no host: expected a host name or an IP address");
    }
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException(
          "port " + port + " of " + host + " is out of range: expected 0 to 65535");
    }
  }

  /**
   * Reads {@code HOST:PORT}; an IPv6 address stands in brackets.
   *
   * @throws IllegalArgumentException naming the value
   */
  public static HostPort parse(String text) {
    String trimmed = text.strip();
    int colon = trimmed.lastIndexOf(':');
    String host = colon < 0 ? "" : trimmed.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.indexOf(':') >= 0) {
      throw unreadable(text);
    }
    String port = trimmed.substring(colon + 1);
    if (host.isEmpty()
        || port.isEmpty()
        || port.length() > 5
        || !port.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw unreadable(text);
    }
    return new HostPort(host, Integer.parseInt(port));
  }

  /**
   * Reads {@code HOST:PORT,HOST:PORT,...}: at least one, without repetitions.
   *
   * @throws IllegalArgumentException naming the value
   */
  public static List<HostPort> parseList(String text) {
    List<HostPort> all = new ArrayList<>();
    for (String one : text.split(",", -1)) {
      HostPort address = parse(one);
      if (!all.contains(address)) {
        all.add(address);
      }
      if (all.size() > LONGEST_LIST) {
        throw new IllegalArgumentException(
            "more than " + LONGEST_LIST + " addresses in '" + shortened(text) + "': give fewer");
      }
    }
    return List.copyOf(all);
  }

  /** {@code HOST:PORT}, an IPv6 address in brackets. */
  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  private static boolean fits(int c) {
    return c > ' ' && c < 127 && "/,[]@?#\\\"'".indexOf(c) < 0;
  }

  private static IllegalArgumentException unreadable(String text) {
    return new IllegalArgumentException(
        "'" + shortened(text) + "' is no address: expected HOST:PORT, as in 127.0.0.1:7500");
  }

  private static String shortened(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "...";
  }
}
