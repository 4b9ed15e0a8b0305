package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.node.HostPort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SwitchboardTest {
  private static final int SHORT_MILLIS = 200;

  @Test
  void line_cutAndMended_carriesNothingMeanwhileAndAllAfterwards() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        Switchboard board = new Switchboard(port -> "caller")) {
      Switchboard.Line line =
          board.line("server", new HostPort("127.0.0.1", server.getLocalPort()));
      try (Socket client = connect(line);
          Socket there = server.accept()) {
        client.getOutputStream().write(1);
        assertEquals(1, there.getInputStream().read());

        board.cut("caller");
        client.getOutputStream().write(2);
        there.getOutputStream().write(3);
        there.setSoTimeout(SHORT_MILLIS);
        client.setSoTimeout(SHORT_MILLIS);
        assertThrows(SocketTimeoutException.class, () -> there.getInputStream().read());
        assertThrows(SocketTimeoutException.class, () -> client.getInputStream().read());
        // Another process's wires are whole.
        board.cut("other");

        board.mend("caller");
        there.setSoTimeout(0);
        client.setSoTimeout(0);
        assertEquals(2, there.getInputStream().read());
        assertEquals(3, client.getInputStream().read());
      }
    }
  }

  @Test
  void line_toAServerThatIsCut_acceptsAndStaysSilent() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        Switchboard board = new Switchboard(port -> "")) {
      Switchboard.Line line =
          board.line("server", new HostPort("127.0.0.1", server.getLocalPort()));
      board.cut("server");
      server.setSoTimeout(SHORT_MILLIS);
      try (Socket client = connect(line)) {
        client.getOutputStream().write(1);
        assertThrows(SocketTimeoutException.class, server::accept);
        board.mend("server");
        server.setSoTimeout(0);
        try (Socket there = server.accept()) {
          assertEquals(1, there.getInputStream().read());
        }
      }
    }
  }

  @Test
  void line_whoseServerIsGone_endsTheConnection() throws Exception {
    int nobody;
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      nobody = server.getLocalPort();
    }
    try (Switchboard board = new Switchboard(port -> "")) {
      Switchboard.Line line = board.line("server", new HostPort("127.0.0.1", nobody));
      try (Socket client = connect(line)) {
        assertTrue(isAtItsEnd(client));
      }
    }
  }

  private static boolean isAtItsEnd(Socket client) {
    try {
      return client.getInputStream().read() < 0;
    } catch (IOException reset) {
      return true;
    }
  }

  @Test
  void owner_ofAConnectionOfThisProcess_isFound() throws Exception {
    org.junit.jupiter.api.Assumptions.assumeTrue(
        Files.exists(Path.of("/proc/net/tcp")), "needs Linux' /proc");
    SocketOwners owners = new SocketOwners();
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        Socket client = new Socket(InetAddress.getLoopbackAddress(), server.getLocalPort())) {
      assertEquals("", owners.of(client.getLocalPort()));
      owners.add(ProcessHandle.current().pid(), "this");
      assertEquals("this", owners.of(client.getLocalPort()));
      owners.remove(ProcessHandle.current().pid());
      assertEquals("", owners.of(client.getLocalPort()));
    }
  }

  private static Socket connect(Switchboard.Line line) throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), line.address().port());
  }
}
