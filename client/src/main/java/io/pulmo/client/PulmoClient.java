package io.pulmo.client;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.pulmo.client.PulmoException.Kind;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.AnalyzeResponse;
import io.pulmo.proto.InferenceGrpc;
import io.pulmo.proto.ListModelsRequest;
import io.pulmo.proto.ListModelsResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * A connection to one or more Pulmo servers that judge chest radiographs.
 *
 * <pre>{@code
 * try (PulmoClient client = PulmoClient.builder().target("pacs-ai:7600").build()) {
 *   Analysis analysis = client.analyze(Path.of("chest.png"));
 *   System.out.println(analysis.probability("Pneumothorax"));
 * }
 * }</pre>
 *
 * <p>Safe for use by many threads; meant to be made once and kept. Every call has a deadline. With
 * several targets, calls take turns among them, and one that finds its server unreachable tries the
 * next. All threads are daemons.
 */
public final class PulmoClient implements AutoCloseable {
  /** The largest image that a request takes, in bytes: almost 32 MiB. */
  public static final int MAX_IMAGE_BYTES = Wire.MAX_IMAGE_BYTES;

  private static final long CLOSE_SECONDS = 5;

  private final List<ManagedChannel> channels;
  private final Duration deadline;
  private final int maxInFlight;
  private final Semaphore inFlight;
  private final AtomicInteger turn = new AtomicInteger();
  private final ScheduledExecutorService timer;
  private volatile boolean closed;

  private PulmoClient(List<Target> targets, Duration deadline, int maxInFlight) {
    this.channels =
        targets.stream()
            .map(
                t ->
                    Grpc.newChannelBuilderForAddress(
                            t.host, t.port, InsecureChannelCredentials.create())
                        .build())
            .toList();
    this.deadline = deadline;
    this.maxInFlight = maxInFlight;
    this.inFlight = new Semaphore(maxInFlight);
    this.timer =
        Executors.newSingleThreadScheduledExecutor(task -> daemon("pulmo-client-timer", task));
  }

  static Thread daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** A builder without a target yet. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Judges one radiograph with {@link Options#defaults()} and waits for the answer.
   *
   * @param image the bytes of a PNG or JPEG file; not to be changed until the answer is there
   * @throws IllegalArgumentException if the image has almost 32 MiB or more
   * @throws PulmoException if no analysis comes
   */
  public Analysis analyze(byte[] image) {
    return analyze(image, Options.defaults());
  }

  /**
   * Judges one radiograph and waits for the answer.
   *
   * @param image the bytes of a PNG or JPEG file; not to be changed until the answer is there
   * @throws IllegalArgumentException if the image has almost 32 MiB or more
   * @throws PulmoException if no analysis comes; of kind {@code CANCELLED} if the thread is
   *     interrupted, which stays so
   */
  public Analysis analyze(byte[] image, Options options) {
    return await(analyzeAsync(image, options));
  }

  /**
   * Judges one radiograph in a file with {@link Options#defaults()} and waits for the answer.
   *
   * @throws IllegalArgumentException if the image has almost 32 MiB or more
   * @throws PulmoException if no analysis comes
   * @throws UncheckedIOException if the file cannot be read
   */
  public Analysis analyze(Path image) {
    return analyze(image, Options.defaults());
  }

  /**
   * Judges one radiograph in a file and waits for the answer.
   *
   * @throws IllegalArgumentException if the image has almost 32 MiB or more
   * @throws PulmoException if no analysis comes
   * @throws UncheckedIOException if the file cannot be read
   */
  public Analysis analyze(Path image, Options options) {
    try {
      Wire.checkSize(Files.size(image));
      return analyze(Files.readAllBytes(image), options);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + image + ": " + e.getMessage(), e);
    }
  }

  /**
   * Judges one radiograph with {@link Options#defaults()} without waiting.
   *
   * @see #analyzeAsync(byte[], Options)
   */
  public CompletableFuture<Analysis> analyzeAsync(byte[] image) {
    return analyzeAsync(image, Options.defaults());
  }

  /**
   * Judges one radiograph without waiting for the answer. While the client's {@code maxInFlight}
   * calls are unanswered, this method waits for one of them first, at most for the deadline.
   *
   * @param image the bytes of a PNG or JPEG file; not to be changed until the answer is there
   * @return completes with the analysis, or exceptionally with a {@link PulmoException}; cancelling
   *     it cancels the call on the server too
   * @throws IllegalArgumentException if the image has almost 32 MiB or more
   */
  public CompletableFuture<Analysis> analyzeAsync(byte[] image, Options options) {
    AnalyzeRequest request = Wire.request("", image, options);
    return call(
        new CompletableFuture<Analysis>(),
        options.deadline().orElse(deadline),
        (stub, observer) -> stub.analyze(request, observer),
        (AnalyzeResponse response) -> Wire.analysis(response.getFindings()));
  }

  /**
   * The models of the first server that answers.
   *
   * @throws PulmoException if none answers
   */
  public List<ServedModel> models() {
    return await(
        call(
            new CompletableFuture<List<ServedModel>>(),
            deadline,
            (stub, observer) -> stub.listModels(ListModelsRequest.getDefaultInstance(), observer),
            (ListModelsResponse response) ->
                response.getModelsList().stream().map(Wire::model).toList()));
  }

  /**
   * Opens a stream for many radiographs, judged with {@link Options#defaults()}.
   *
   * @see #stream(Options, AnalysisListener)
   */
  public AnalysisStream stream(AnalysisListener listener) {
    return stream(Options.defaults(), listener);
  }

  /**
   * Opens a stream for many radiographs; answers come as they finish, in any order.
   *
   * @param options what every request of the stream asks for; the deadline is each request's own
   * @param listener hears the answers
   */
  public AnalysisStream stream(Options options, AnalysisListener listener) {
    ManagedChannel channel = channels.get(Math.floorMod(turn.getAndIncrement(), channels.size()));
    return AnalysisStream.open(
        InferenceGrpc.newStub(channel),
        options,
        options.deadline().orElse(deadline),
        maxInFlight,
        timer,
        () -> closed,
        listener);
  }

  /** Cancels what is unanswered and lets go of the connections; takes at most some seconds. */
  @Override
  public void close() {
    closed = true;
    channels.forEach(ManagedChannel::shutdownNow);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
    try {
      for (ManagedChannel channel : channels) {
        channel.awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    timer.shutdownNow();
  }

  private <R, T> CompletableFuture<T> call(
      CompletableFuture<T> answer,
      Duration within,
      BiConsumer<InferenceGrpc.InferenceStub, ClientResponseObserver<Object, R>> method,
      Function<R, T> read) {
    long endNanos = System.nanoTime() + within.toNanos();
    try {
      if (!inFlight.tryAcquire(within.toNanos(), TimeUnit.NANOSECONDS)) {
        answer.completeExceptionally(
            new PulmoException(
                Kind.DEADLINE,
                "none of the client's "
                    + maxInFlight
                    + " calls in flight was answered within "
                    + within.toMillis()
                    + " ms; raise the deadline or maxInFlight"));
        return answer;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      answer.completeExceptionally(new PulmoException(Kind.CANCELLED, "interrupted", e));
      return answer;
    }
    int first = Math.floorMod(turn.getAndIncrement(), channels.size());
    attempt(answer, first, 0, endNanos, method, read);
    var unused = answer.whenComplete((value, thrown) -> inFlight.release());
    return answer;
  }

  private <R, T> void attempt(
      CompletableFuture<T> answer,
      int first,
      int tried,
      long endNanos,
      BiConsumer<InferenceGrpc.InferenceStub, ClientResponseObserver<Object, R>> method,
      Function<R, T> read) {
    ManagedChannel channel = channels.get((first + tried) % channels.size());
    InferenceGrpc.InferenceStub stub =
        InferenceGrpc.newStub(channel)
            .withDeadlineAfter(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    method.accept(
        stub,
        new ClientResponseObserver<Object, R>() {
          @Override
          public void beforeStart(ClientCallStreamObserver<Object> call) {
            var unused =
                answer.whenComplete(
                    (value, thrown) -> {
                      if (answer.isCancelled()) {
                        call.cancel("the caller cancelled the future", null);
                      }
                    });
          }

          @Override
          public void onNext(R response) {
            try {
              answer.complete(read.apply(response));
            } catch (RuntimeException e) {
              answer.completeExceptionally(Wire.failure(e));
            }
          }

          @Override
          public void onError(Throwable thrown) {
            PulmoException failure = closed ? closedFailure() : Wire.failure(thrown);
            if (failure.kind() == Kind.UNAVAILABLE
                && tried + 1 < channels.size()
                && !answer.isDone()) {
              attempt(answer, first, tried + 1, endNanos, method, read);
            } else {
              answer.completeExceptionally(failure);
            }
          }

          @Override
          public void onCompleted() {
            answer.completeExceptionally(
                new PulmoException(Kind.INTERNAL, "the server ended the call without an answer"));
          }
        });
  }

  private static <T> T await(CompletableFuture<T> answer) {
    try {
      return answer.get();
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new PulmoException(Kind.CANCELLED, "interrupted while waiting for the answer", e);
    } catch (CancellationException e) {
      throw new PulmoException(Kind.CANCELLED, "cancelled", e);
    } catch (ExecutionException | CompletionException e) {
      Throwable cause = e.getCause();
      PulmoException failure = Wire.failure(cause == null ? e : cause);
      // A stack trace of the caller's own thread helps more than one of the transport's.
      throw new PulmoException(failure.kind(), String.valueOf(failure.getMessage()), failure);
    }
  }

  /** What is said of all that a closed client was asked for. */
  static PulmoException closedFailure() {
    return new PulmoException(Kind.CANCELLED, "the client was closed");
  }

  static Duration checkDeadline(Duration deadline) {
    if (deadline.isNegative() || deadline.isZero() || deadline.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException(
          "the deadline is " + deadline + ", expected more than nothing and at most a day");
    }
    return deadline;
  }

  private record Target(String host, int port) {
    static Target parse(String text) {
      int colon = text.lastIndexOf(':');
      String host = colon < 0 ? "" : text.substring(0, colon);
      if (host.startsWith("[") && host.endsWith("]")) {
        host = host.substring(1, host.length() - 1);
      } else if (host.contains(":")) {
        host = "";
      }
      int port;
      try {
        port = Integer.parseInt(text.substring(colon + 1));
      } catch (NumberFormatException e) {
        port = 0;
      }
      if (host.isBlank() || port < 1 || port > 65535) {
        throw new IllegalArgumentException(
            "the target is '" + text + "', expected HOST:PORT such as 127.0.0.1:7600");
      }
      return new Target(host, port);
    }
  }

  /** What makes a {@link PulmoClient}. */
  public static final class Builder {
    private final List<Target> targets = new ArrayList<>();
    private Duration deadline = Duration.ofSeconds(30);
    private int maxInFlight = 32;

    private Builder() {}

    /**
     * Adds a server; at least one is needed.
     *
     * @param hostAndPort such as {@code 127.0.0.1:7600} or {@code [::1]:7600}
     * @throws IllegalArgumentException if it is not HOST:PORT
     */
    public Builder target(String hostAndPort) {
      targets.add(Target.parse(hostAndPort));
      return this;
    }

    /**
     * How long an answer may take where {@link Options} say nothing else; 30 s unless set.
     *
     * @throws IllegalArgumentException if it is not more than zero
     */
    public Builder deadline(Duration deadline) {
      this.deadline = checkDeadline(deadline);
      return this;
    }

    /**
     * How many calls may be unanswered at a time, and how many requests of one stream; 32 unless
     * set. Each may hold its image in memory.
     *
     * @throws IllegalArgumentException if it is not from 1 to 4096
     */
    public Builder maxInFlight(int maxInFlight) {
      if (maxInFlight < 1 || maxInFlight > 4096) {
        throw new IllegalArgumentException(
            "maxInFlight is " + maxInFlight + ", expected a number from 1 to 4096");
      }
      this.maxInFlight = maxInFlight;
      return this;
    }

    /**
     * The client. It connects with its first call.
     *
     * @throws IllegalStateException if there is no target
     */
    public PulmoClient build() {
      if (targets.isEmpty()) {
        throw new IllegalStateException("no target is set; call target(\"HOST:PORT\") first");
      }
      return new PulmoClient(List.copyOf(targets), deadline, maxInFlight);
    }
  }
}
