package io.pulmo.coordinator.rpc;

import io.pulmo.node.HostPort;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The coordinator's try at a worker's own address, as the other workers will have to reach it: one
 * that told a wrong one would be let in, and then be in everybody's way.
 */
final class DialBack {
  private final Duration patience;

  /**
   * Does not wait for anybody yet.
   *
   * @param patience how long an answer may take, the look-up of the name included
   */
  DialBack(Duration patience) {
    this.patience = patience;
  }

  /** Connects and hangs up; why that does not work, if it does not. */
  Optional<String> refusal(HostPort address) throws InterruptedException {
    FutureTask<Optional<String>> dial = new FutureTask<>(() -> dial(address));
    Thread.ofVirtual().name("pulmo-dial").start(dial);
    try {
      return dial.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return Optional.of(words(address, "no answer within " + patience.toMillis() + " ms"));
    } catch (ExecutionException e) {
      throw new IllegalStateException("dialling " + address + " failed", e);
    }
  }

  private Optional<String> dial(HostPort address) {
    try (Socket socket = new Socket()) {
      InetSocketAddress target = new InetSocketAddress(address.host(), address.port());
      if (target.isUnresolved()) {
        return Optional.of(words(address, "its host is unknown here"));
      }
      socket.connect(target, (int) patience.toMillis());
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of(words(address, String.valueOf(e.getMessage())));
    }
  }

  private static String words(HostPort address, String why) {
    return "the worker says that it is reached at "
        + address
        + ", and this coordinator does not reach it there ("
        + why
        + "): expected an address that the other nodes reach; start the worker with"
        + " --advertise HOST, or let connections to that port through";
  }
}
