package io.pulmo.client;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.pulmo.client.PulmoException.Kind;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.AnalyzeResponse;
import io.pulmo.proto.InferenceGrpc;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An open stream of radiographs to one server, answered through an {@link AnalysisListener}.
 *
 * <pre>{@code
 * try (AnalysisStream stream = client.stream(listener)) {
 *   for (Path file : files) {
 *     stream.send(file.toString(), Files.readAllBytes(file));
 *   }
 *   stream.awaitCompletion(Duration.ofMinutes(10));
 * }
 * }</pre>
 *
 * <p>At most the client's {@code maxInFlight} requests are unanswered at a time; {@link #send}
 * waits for a place. Safe for use by many threads. A listener must not call {@code send}, {@code
 * awaitCompletion} or {@code close}: it would wait for itself.
 */
public final class AnalysisStream implements AutoCloseable {
  // Locking: everything below `lock` is guarded by it; the listener is never called under it.
  // A request is in `pending` from send to its answer, failure or timeout. One that timed out moves
  // to `late` until the server answers after all, so that its answer is told from a wrong one.

  private static final int MAX_ID_BYTES = 256;

  private final Options options;
  private final Duration deadline;
  private final int maxInFlight;
  private final ScheduledExecutorService timer;
  private final BooleanSupplier clientClosed;
  private final AnalysisListener listener;
  private final Semaphore places;
  private final ExecutorService deliverer =
      Executors.newSingleThreadExecutor(task -> PulmoClient.daemon("pulmo-client-stream", task));
  private final CountDownLatch ended = new CountDownLatch(1);

  private final Object lock = new Object();
  private final Map<String, Future<?>> pending = new HashMap<>();
  private final Set<String> late = new HashSet<>();
  private @Nullable ClientCallStreamObserver<AnalyzeRequest> call;
  private boolean halfClosed;
  private @Nullable PulmoException broken;

  private AnalysisStream(
      Options options,
      Duration deadline,
      int maxInFlight,
      ScheduledExecutorService timer,
      BooleanSupplier clientClosed,
      AnalysisListener listener) {
    this.options = options;
    this.deadline = deadline;
    this.maxInFlight = maxInFlight;
    this.timer = timer;
    this.clientClosed = clientClosed;
    this.listener = listener;
    this.places = new Semaphore(maxInFlight);
  }

  static AnalysisStream open(
      InferenceGrpc.InferenceStub stub,
      Options options,
      Duration deadline,
      int maxInFlight,
      ScheduledExecutorService timer,
      BooleanSupplier clientClosed,
      AnalysisListener listener) {
    AnalysisStream stream =
        new AnalysisStream(options, deadline, maxInFlight, timer, clientClosed, listener);
    stub.analyzeStream(stream.new Answers());
    return stream;
  }

  /**
   * Sends one radiograph; waits while {@code maxInFlight} requests are unanswered.
   *
   * @param id what the listener will know the answer by: 1 to 256 bytes of UTF-8, unlike that of
   *     any request still unanswered
   * @param image the bytes of a PNG or JPEG file; not to be changed until the answer is there
   * @throws IllegalArgumentException if such an id is unanswered, or too long, or the image has
   *     almost 32 MiB or more; nothing is sent
   * @throws IllegalStateException if the stream was completed or closed
   * @throws PulmoException if the stream is broken, or of kind {@code CANCELLED} if the thread is
   *     interrupted; the listener does not hear of this request
   */
  public void send(String id, byte[] image) {
    int idBytes = id.getBytes(StandardCharsets.UTF_8).length;
    if (idBytes == 0 || idBytes > MAX_ID_BYTES) {
      throw new IllegalArgumentException(
          "the id '%s' has %d bytes, expected 1 to %d".formatted(id, idBytes, MAX_ID_BYTES));
    }
    AnalyzeRequest request = Wire.request(id, image, options);
    try {
      places.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PulmoException(Kind.CANCELLED, "interrupted before request '" + id + "' was sent");
    }
    boolean sent = false;
    try {
      synchronized (lock) {
        if (broken != null) {
          throw new PulmoException(broken.kind(), String.valueOf(broken.getMessage()), broken);
        }
        if (halfClosed || call == null) {
          throw new IllegalStateException("the stream was completed; open another one");
        }
        if (pending.containsKey(id) || late.contains(id)) {
          throw new IllegalArgumentException(
              "a request with id '" + id + "' is unanswered; give each request an id of its own");
        }
        pending.put(id, timeout(id));
        call.onNext(request);
        sent = true;
      }
    } finally {
      if (!sent) {
        places.release();
      }
    }
  }

  private Future<?> timeout(String id) {
    try {
      return timer.schedule(() -> timeOut(id), deadline.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      throw PulmoClient.closedFailure();
    }
  }

  /**
   * Says that no more requests come and waits until all are answered and the listener has heard it.
   *
   * @return false if the time was not enough; the stream then goes on
   * @throws PulmoException if the stream broke; the listener has heard a failure for every request
   *     that was unanswered
   */
  public boolean awaitCompletion(Duration most) {
    halfClose();
    try {
      if (!ended.await(most.toNanos(), TimeUnit.NANOSECONDS)) {
        return false;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PulmoException(Kind.CANCELLED, "interrupted while waiting for the stream's end", e);
    }
    synchronized (lock) {
      if (broken != null) {
        throw new PulmoException(broken.kind(), String.valueOf(broken.getMessage()), broken);
      }
    }
    return true;
  }

  /**
   * Completes the stream: waits for what is unanswered, at most for the deadline of a request, then
   * cancels the rest, for which the listener hears a failure of kind {@code CANCELLED}.
   */
  @Override
  public void close() {
    halfClose();
    boolean done = false;
    try {
      done = ended.await(deadline.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!done) {
      breakOff(new PulmoException(Kind.CANCELLED, "the stream was closed"));
    }
  }

  private void halfClose() {
    synchronized (lock) {
      if (!halfClosed && broken == null && call != null) {
        halfClosed = true;
        call.onCompleted();
      }
    }
  }

  private void timeOut(String id) {
    synchronized (lock) {
      if (pending.remove(id) == null) {
        return;
      }
      late.add(id);
      deliver(
          id,
          () ->
              listener.onFailure(
                  id,
                  new PulmoException(
                      Kind.DEADLINE, "no answer within " + deadline.toMillis() + " ms")));
      if (late.size() <= maxInFlight) {
        return;
      }
    }
    breakOff(
        new PulmoException(
            Kind.DEADLINE,
            "the server left more than " + maxInFlight + " requests of the stream unanswered"));
  }

  private void answer(AnalyzeResponse response) {
    String id = response.getCorrelationId();
    synchronized (lock) {
      Future<?> timeout = pending.remove(id);
      if (timeout == null) {
        if (!late.remove(id) && broken == null) {
          throw new PulmoException(
              Kind.INTERNAL, "the server answered a request that was not sent: '" + id + "'");
        }
        return;
      }
      timeout.cancel(false);
      deliver(id, () -> tell(id, response));
    }
  }

  private void tell(String id, AnalyzeResponse response) {
    Analysis analysis;
    try {
      switch (response.getOutcomeCase()) {
        case FINDINGS -> analysis = Wire.analysis(response.getFindings());
        case FAILURE -> throw Wire.failure(response.getFailure());
        default -> throw new PulmoException(Kind.INTERNAL, "the server sent an empty answer");
      }
    } catch (PulmoException e) {
      listener.onFailure(id, e);
      return;
    }
    listener.onAnalysis(id, analysis);
  }

  /** Queues a call of the listener; the queue is bounded by the places in flight. */
  private void deliver(String id, Runnable call) {
    deliverer.execute(
        () -> {
          try {
            call.run();
          } catch (RuntimeException | Error e) {
            breakOff(
                new PulmoException(
                    Kind.INTERNAL, "the listener failed on request '" + id + "': " + e, e));
          } finally {
            places.release();
          }
        });
  }

  /** Cancels the call and ends the stream with this failure, unless it has ended. */
  private void breakOff(PulmoException failure) {
    ClientCallStreamObserver<AnalyzeRequest> running;
    synchronized (lock) {
      running = call;
    }
    end(failure);
    if (running != null) {
      running.cancel(failure.getMessage(), null);
    }
  }

  private void end(@Nullable PulmoException failure) {
    synchronized (lock) {
      if (deliverer.isShutdown()) {
        // The listener may still fail on one of the last answers.
        broken = broken == null ? failure : broken;
        return;
      }
      PulmoException reason = failure;
      if (reason == null && !(pending.isEmpty() && halfClosed)) {
        reason =
            new PulmoException(
                Kind.UNAVAILABLE, "the server ended the stream before it was completed");
      }
      if (reason != null) {
        broken = reason;
        for (Map.Entry<String, Future<?>> unanswered : pending.entrySet()) {
          unanswered.getValue().cancel(false);
          String id = unanswered.getKey();
          PulmoException theirs = reason;
          deliver(id, () -> listener.onFailure(id, theirs));
        }
        pending.clear();
      }
      late.clear();
      deliverer.execute(ended::countDown);
      deliverer.shutdown();
    }
  }

  private final class Answers implements ClientResponseObserver<AnalyzeRequest, AnalyzeResponse> {
    @Override
    public void beforeStart(ClientCallStreamObserver<AnalyzeRequest> started) {
      synchronized (lock) {
        call = started;
      }
    }

    @Override
    public void onNext(AnalyzeResponse response) {
      try {
        answer(response);
      } catch (PulmoException e) {
        breakOff(e);
      }
    }

    @Override
    public void onError(Throwable thrown) {
      end(clientClosed.getAsBoolean() ? PulmoClient.closedFailure() : Wire.failure(thrown));
    }

    @Override
    public void onCompleted() {
      end(null);
    }
  }
}
