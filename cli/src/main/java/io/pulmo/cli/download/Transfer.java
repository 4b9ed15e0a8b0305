package io.pulmo.cli.download;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One file from an HTTP server, resumed where an earlier try ended, with bounded patience.
 *
 * <p>What came lies in a part file, and beside it the server's tag of those bytes, so that a file
 * that has changed on the server is begun anew. Tries that bring the file no further than it ever
 * was are counted; after {@value #MAX_FRUITLESS} in a row it fails. Whether the bytes are the right
 * ones is for the caller to check.
 */
final class Transfer implements AutoCloseable {
  static final int MAX_FRUITLESS = 8;
  private static final int MAX_TRIES = 10_000;
  private static final long MAX_BYTES = 64L << 30;
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
  private static final Duration LONGEST_ASKED_PAUSE = Duration.ofMinutes(10);
  private static final Set<Integer> PASSING = Set.of(408, 425, 429, 500, 502, 503, 504);

  /** How long to wait, and how. */
  record Timing(Clock clock, Pause pause, Duration connect, Duration head, Duration piece) {
    static final Timing REAL =
        new Timing(
            Clock.systemUTC(),
            Thread::sleep,
            Duration.ofSeconds(30),
            Duration.ofSeconds(60),
            Duration.ofSeconds(60));
  }

  /** Sleeping. */
  interface Pause {
    void forSome(Duration time) throws InterruptedException;
  }

  /** Told how far it is. */
  interface Listener {
    /**
     * Bytes are about to come.
     *
     * @param have how many lie in the part file
     * @param total the file's size; -1 if the server does not say
     */
    void begins(long have, long total) throws IOException;

    void at(long have);
  }

  /** How a try ended. */
  private sealed interface Outcome {
    record Complete() implements Outcome {}

    /** Another try may do better, after the pause if one was asked for. */
    record Again(String why, Optional<Duration> pause) implements Outcome {}
  }

  private final Timing timing;
  private final Consumer<String> notes;
  private final HttpClient client;

  Transfer(Timing timing, Consumer<String> notes) {
    this.timing = timing;
    this.notes = notes;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .connectTimeout(timing.connect())
            .build();
  }

  /**
   * The file's size by a HEAD request; empty if the server does not tell.
   *
   * @throws IOException if it cannot be reached
   */
  OptionalLong size(URI address) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(address)
            .timeout(timing.head())
            .method("HEAD", HttpRequest.BodyPublishers.noBody())
            .build();
    Answer answer = new Answer(client.send(request, HttpResponse.BodyHandlers.discarding()));
    return answer.status() == 200 && !answer.webPage() ? answer.length() : OptionalLong.empty();
  }

  /**
   * Brings the whole file into the part file.
   *
   * @throws CommandFailure if the server refuses, or does not send it after all tries
   * @throws IOException if the part file cannot be written
   */
  void fetch(URI address, Path part, Listener listener) throws IOException, InterruptedException {
    long furthest = length(part);
    int fruitless = 0;
    for (int tries = 1; ; tries++) {
      Outcome outcome = attempt(address, part, listener);
      if (!(outcome instanceof Outcome.Again again)) {
        return;
      }
      fruitless = length(part) > furthest ? 0 : fruitless + 1;
      furthest = Math.max(furthest, length(part));
      if (fruitless == MAX_FRUITLESS || tries == MAX_TRIES) {
        throw CommandFailure.work(
            address
                + ": "
                + again.why()
                + ", after "
                + tries
                + " tries\nwhat has come is kept; run the command again to go on. Behind a proxy, set"
                + " JAVA_TOOL_OPTIONS='-Dhttps.proxyHost=HOST -Dhttps.proxyPort=PORT'");
      }
      Duration pause = again.pause().orElse(backOff(fruitless));
      if (pause.compareTo(LONGEST_ASKED_PAUSE) > 0) {
        throw CommandFailure.work(
            address
                + ": "
                + again.why()
                + " and asks to wait for "
                + pause.toMinutes()
                + " minutes; run the command again then, what has come is kept");
      }
      notes.accept(again.why() + "; next try in " + pause.toSeconds() + " s");
      timing.pause().forSome(pause);
    }
  }

  private static Duration backOff(int fruitless) {
    Duration pause = Duration.ofSeconds(1L << fruitless);
    return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
  }

  private Outcome attempt(URI address, Path part, Listener listener)
      throws IOException, InterruptedException {
    long have = length(part);
    HttpRequest.Builder request = HttpRequest.newBuilder(address).timeout(timing.head());
    if (have > 0) {
      request.header("Range", "bytes=" + have + "-");
      String tag = tag(part);
      if (tag != null) {
        request.header("If-Range", tag);
      }
    }
    HttpResponse<Body> response;
    try {
      response = client.send(request.build(), head -> new Body());
    } catch (IOException e) {
      return again("no answer from " + address.getHost() + " (" + reason(e) + ")");
    }
    try (Body body = response.body()) {
      return take(new Answer(response), body, have, part, listener);
    }
  }

  private Outcome take(Answer answer, Body body, long have, Path part, Listener listener)
      throws IOException, InterruptedException {
    int status = answer.status();
    String whole = answer.response().uri().toString();
    if ((status == 200 || status == 206) && answer.webPage()) {
      throw CommandFailure.work(
          whole
              + ": the server answered with a web page, expected an archive; open the address in a"
              + " browser to see whether it has moved or a proxy asks for a login");
    }
    if (status == 200) {
      forget(part);
      Optional<String> tag = answer.strongTag();
      if (tag.isPresent()) {
        Files.writeString(tagFile(part), tag.get());
      }
      long total = answer.length().orElse(-1);
      listener.begins(0, total);
      return receive(body, 0, total, total, part, listener);
    }
    if (status == 206) {
      Optional<Answer.Range> range = answer.range();
      if (have == 0 || range.isEmpty() || range.get().first() != have) {
        forget(part);
        return again("the server sent another part of the file than asked for");
      }
      listener.begins(have, range.get().total());
      return receive(body, have, range.get().last() + 1, range.get().total(), part, listener);
    }
    if (status == 416) {
      if (have > 0 && answer.range().filter(range -> range.total() == have).isPresent()) {
        return new Outcome.Complete();
      }
      forget(part);
      return again("the server has no byte " + have + " of the file");
    }
    String why = "the server answered " + status;
    if (PASSING.contains(status)) {
      return new Outcome.Again(why, answer.retryAfter(timing.clock()));
    }
    throw CommandFailure.work(
        whole
            + ": "
            + why
            + ", expected 200 or 206; open the address in a browser to see whether it has moved");
  }

  /**
   * Appends what comes.
   *
   * @param end where this answer ends, and total where the file does; -1 if not told
   */
  private Outcome receive(Body body, long have, long end, long total, Path part, Listener listener)
      throws IOException, InterruptedException {
    long position = have;
    try (FileChannel file =
        FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      file.position(have);
      while (true) {
        List<ByteBuffer> buffers;
        try {
          buffers = body.next(timing.piece());
        } catch (IOException e) {
          return again("the connection ended at byte " + position + " (" + reason(e) + ")");
        }
        if (buffers == null) {
          break;
        }
        for (ByteBuffer buffer : buffers) {
          position += buffer.remaining();
          if (position > (end < 0 ? MAX_BYTES : end)) {
            throw CommandFailure.work(
                "the server sent more than the "
                    + (end < 0 ? MAX_BYTES : end)
                    + " bytes that were expected; give another address with --archives");
          }
          while (buffer.hasRemaining()) {
            file.write(buffer);
          }
        }
        listener.at(position);
      }
    }
    if (position < Math.max(end, total)) {
      return again("the connection ended at byte " + position);
    }
    return new Outcome.Complete();
  }

  private static Outcome again(String why) {
    return new Outcome.Again(why, Optional.empty());
  }

  /** In words: some of the client's exceptions have none. */
  private static String reason(IOException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException) {
        return "its name is unknown here";
      }
    }
    String message = e.getMessage();
    if (message != null && !message.equals("null")) {
      return message;
    }
    return e instanceof ConnectException ? "no connection" : e.getClass().getSimpleName();
  }

  /** Removes a part file and its tag. */
  static void forget(Path part) throws IOException {
    Files.deleteIfExists(part);
    Files.deleteIfExists(tagFile(part));
  }

  static Path tagFile(Path part) {
    return part.resolveSibling(part.getFileName() + ".etag");
  }

  private static @Nullable String tag(Path part) throws IOException {
    Path file = tagFile(part);
    String tag = Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "";
    return Answer.isStrongTag(tag) ? tag : null;
  }

  static long length(Path part) throws IOException {
    return Files.exists(part) ? Files.size(part) : 0;
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
