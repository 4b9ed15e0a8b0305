package io.pulmo.cli.download;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/** The JDK's HTTP server, which at first falls silent in the middle of a file. */
final class SilentServer implements AutoCloseable {
  private final HttpServer server;
  private final byte[] file;
  private final int silentFrom;
  private final CountDownLatch closed = new CountDownLatch(1);
  private boolean silent = true;

  SilentServer(byte[] file, int silentFrom) throws IOException {
    this.file = file;
    this.silentFrom = silentFrom;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::answer);
    server.start();
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/a");
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      if (exchange.getRequestMethod().equals("HEAD")) {
        exchange.sendResponseHeaders(405, -1);
        return;
      }
      boolean stop;
      synchronized (this) {
        stop = silent;
        silent = false;
      }
      exchange.sendResponseHeaders(200, file.length);
      exchange.getResponseBody().write(file, 0, stop ? silentFrom : file.length);
      exchange.getResponseBody().flush();
      if (stop) {
        closed.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
  }
}
