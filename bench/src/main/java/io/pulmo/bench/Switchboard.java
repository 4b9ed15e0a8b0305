package io.pulmo.bench;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.node.HostPort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The wires of a cluster under test: each server is reached through a listener here, which passes
 * the bytes on, and the wires of one process can be cut. Over a cut wire nothing arrives, and
 * nobody is told, as when a cable is drawn; mended, it carries what was on the way.
 */
final class Switchboard implements AutoCloseable {
  private static final int BUFFER_BYTES = 64 * 1024;

  /** Says whose a connection's other end is. */
  interface Owners {
    /**
     * The name of the process with the connection, empty if it is none of the cluster's.
     *
     * @param port of its end
     */
    String of(int port) throws IOException;
  }

  private final Owners owners;

  @GuardedBy("this")
  private final Set<String> cut = new HashSet<>();

  @GuardedBy("this")
  private final List<AutoCloseable> open = new ArrayList<>();

  @GuardedBy("this")
  private boolean closed;

  Switchboard(Owners owners) {
    this.owners = owners;
  }

  /** A listener for a server. */
  final class Line implements AutoCloseable {
    private final String server;
    private final InetSocketAddress target;
    private final ServerSocketChannel listener;

    private Line(String server, HostPort target) throws IOException {
      this.server = server;
      this.target = new InetSocketAddress(target.host(), target.port());
      this.listener =
          ServerSocketChannel.open()
              .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    /** Under which the server is reached. */
    HostPort address() throws IOException {
      return new HostPort("127.0.0.1", ((InetSocketAddress) listener.getLocalAddress()).getPort());
    }

    private void accept() {
      while (listener.isOpen()) {
        try {
          SocketChannel client = listener.accept();
          Thread.ofVirtual().start(() -> carry(client));
        } catch (IOException closedMeanwhile) {
          return;
        }
      }
    }

    private void carry(SocketChannel client) {
      try (client) {
        String caller = owners.of(((InetSocketAddress) client.getRemoteAddress()).getPort());
        awaitMended(caller, server);
        try (SocketChannel there = SocketChannel.open(target)) {
          client.socket().setTcpNoDelay(true);
          there.socket().setTcpNoDelay(true);
          Thread back = Thread.ofVirtual().start(() -> pump(there, client, server, caller));
          pump(client, there, caller, server);
          back.join();
        }
      } catch (IOException e) {
        // The server is not there, or one of them hung up: the other one sees the end.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void pump(SocketChannel from, SocketChannel to, String one, String other) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
      try {
        while (from.read(buffer) >= 0) {
          awaitMended(one, other);
          buffer.flip();
          while (buffer.hasRemaining()) {
            to.write(buffer);
          }
          buffer.clear();
        }
        awaitMended(one, other);
      } catch (IOException e) {
        // As above.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        // HTTP/2 does not go on with half a connection.
        closeQuietly(from);
        closeQuietly(to);
      }
    }

    /** No more connections to this server; those that there are end with its process. */
    @Override
    public void close() throws IOException {
      listener.close();
    }
  }

  /**
   * A listener for a server that is there, or will be.
   *
   * @param server its process's name
   */
  Line line(String server, HostPort target) throws IOException {
    Line line = new Line(server, target);
    synchronized (this) {
      open.add(line);
    }
    Thread.ofPlatform().daemon().name("wires to " + server).start(line::accept);
    return line;
  }

  /** Cuts all wires of a process. */
  synchronized void cut(String name) {
    cut.add(name);
  }

  /** Mends them. */
  synchronized void mend(String name) {
    cut.remove(name);
    notifyAll();
  }

  private synchronized void awaitMended(String one, String other)
      throws IOException, InterruptedException {
    while (cut.contains(one) || cut.contains(other)) {
      if (closed) {
        throw new IOException("the harness has ended");
      }
      wait();
    }
  }

  private static void closeQuietly(AutoCloseable what) {
    try {
      what.close();
    } catch (Exception e) {
      // It is closed, or as good as.
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    open.forEach(Switchboard::closeQuietly);
    notifyAll();
  }
}
