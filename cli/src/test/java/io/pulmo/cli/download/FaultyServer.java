package io.pulmo.cli.download;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** An HTTP server on this machine that fails as it is told to. */
public final class FaultyServer implements AutoCloseable {
  /** What it was asked. */
  public record Request(String method, String path, Map<String, String> headers) {
    /** A header by its lower-case name; empty if it was not sent. */
    public String header(String name) {
      return headers.getOrDefault(name, "");
    }

    /** Where the asked range begins; 0 if none was asked for. */
    public int from() {
      String range = header("range");
      return range.isEmpty()
          ? 0
          : Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
    }
  }

  /**
   * What it answers.
   *
   * @param headers beyond the length
   * @param sent how many bytes of the body go out
   * @param held whether the connection then stays open, silent, until the client has gone
   */
  public record Reply(
      int status, Map<String, String> headers, byte[] body, int sent, boolean held) {
    Reply(int status, Map<String, String> headers, byte[] body, int sent) {
      this(status, headers, body, sent, false);
    }

    /** All of a file. */
    public static Reply whole(byte[] file) {
      return new Reply(200, Map.of(), file, file.length);
    }

    /** What a good server answers. */
    public static Reply ranged(Request request, byte[] file) {
      int from = request.from();
      if (from == 0) {
        return whole(file);
      }
      if (from >= file.length) {
        return new Reply(416, Map.of("Content-Range", "bytes */" + file.length), new byte[0], 0);
      }
      byte[] rest = Arrays.copyOfRange(file, from, file.length);
      return new Reply(
          206,
          Map.of("Content-Range", "bytes " + from + "-" + (file.length - 1) + "/" + file.length),
          rest,
          rest.length);
    }

    /** No body. */
    public static Reply status(int status, String... headers) {
      Map<String, String> map = new LinkedHashMap<>();
      for (int i = 0; i < headers.length; i += 2) {
        map.put(headers[i], headers[i + 1]);
      }
      return new Reply(status, map, new byte[0], 0);
    }

    /** The same, cut after some bytes of the body. */
    public Reply cut(int bytes) {
      return new Reply(status, headers, body, Math.min(bytes, sent));
    }

    /** The same, but that silence comes after some bytes of the body, not the end. */
    public Reply silentAfter(int bytes) {
      return new Reply(status, headers, body, bytes, true);
    }

    /** The same with another header. */
    public Reply with(String name, String value) {
      Map<String, String> more = new LinkedHashMap<>(headers);
      more.put(name, value);
      return new Reply(status, more, body, sent);
    }
  }

  /** Decides. */
  public interface Script {
    /**
     * Answers.
     *
     * @param nth how many requests for bytes, not for the head alone, came before
     */
    Reply answer(Request request, int nth);
  }

  private final ServerSocket socket;
  private final Script script;
  private final List<Request> gets = new CopyOnWriteArrayList<>();
  private final List<Request> heads = new CopyOnWriteArrayList<>();

  /** Begins to listen. */
  public FaultyServer(Script script) throws IOException {
    this.script = script;
    this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  /** An address on it. */
  public URI address(String path) {
    return URI.create("http://127.0.0.1:" + socket.getLocalPort() + path);
  }

  /** The requests for bytes so far. */
  public List<Request> gets() {
    return gets;
  }

  private void accept() {
    while (!socket.isClosed()) {
      try {
        Socket connection = socket.accept();
        Thread.ofVirtual().start(() -> serve(connection));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket connection) {
    try (connection;
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(connection.getInputStream(), StandardCharsets.ISO_8859_1))) {
      String first = in.readLine();
      if (first == null) {
        return;
      }
      Map<String, String> headers = new LinkedHashMap<>();
      for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
        int colon = line.indexOf(':');
        headers.put(
            line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
      }
      List<String> words = List.of(first.split(" ", -1));
      Request request = new Request(words.get(0), words.get(1), headers);
      boolean head = request.method().equals("HEAD");
      Reply reply = script.answer(request, gets.size());
      (head ? heads : gets).add(request);
      OutputStream out = connection.getOutputStream();
      StringBuilder text = new StringBuilder("HTTP/1.1 " + reply.status() + " x\r\n");
      text.append("Connection: close\r\nContent-Length: ").append(reply.body().length);
      reply.headers().forEach((name, value) -> text.append("\r\n" + name + ": " + value));
      text.append("\r\n\r\n");
      out.write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
      if (!head) {
        out.write(reply.body(), 0, reply.sent());
      }
      out.flush();
      if (!head && reply.held()) {
        int gone = in.read();
        assert gone < 0 : "a request on a connection that is to be closed";
      }
    } catch (IOException e) {
      // The client has gone, which is what some tests want.
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
