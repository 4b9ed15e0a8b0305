package io.pulmo.serving.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.AnalyzeResponse;
import io.pulmo.serving.engine.Engine;
import io.pulmo.serving.engine.Judgement;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/**
 * One client's stream of studies.
 *
 * <p>At most {@link #WINDOW} of its studies are in the server: another request is read from the
 * wire only when an answer has gone out, and answers go out only as fast as the client takes them.
 */
final class StreamSession implements StreamObserver<AnalyzeRequest> {
  /** Enough to keep the machine busy across a round trip, few enough for many clients. */
  static final int WINDOW = 16;

  private final Engine engine;
  private final ServerCallStreamObserver<AnalyzeResponse> call;
  private final long expiresNanos;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Map<Long, CompletableFuture<Judgement>> inEngine = new HashMap<>();

  @GuardedBy("lock")
  private long received;

  @GuardedBy("lock")
  private final Queue<AnalyzeResponse> answers = new ArrayDeque<>(WINDOW);

  @GuardedBy("lock")
  private int unanswered;

  @GuardedBy("lock")
  private boolean halfClosed;

  @GuardedBy("lock")
  private boolean over;

  StreamSession(Engine engine, ServerCallStreamObserver<AnalyzeResponse> call, long expiresNanos) {
    this.engine = engine;
    this.call = call;
    this.expiresNanos = expiresNanos;
    call.disableAutoRequest();
    call.setOnReadyHandler(this::send);
    call.setOnCancelHandler(this::cancel);
    call.request(WINDOW);
  }

  @Override
  public void onNext(AnalyzeRequest request) {
    String id = request.getCorrelationId();
    long number;
    synchronized (lock) {
      if (over) {
        return;
      }
      number = ++received;
      unanswered++;
    }
    CompletableFuture<Judgement> judgement;
    try {
      judgement = engine.submit(Wire.study(request, expiresNanos));
    } catch (RuntimeException e) {
      answer(Wire.failure(id, Wire.status(e)));
      return;
    }
    boolean late;
    synchronized (lock) {
      inEngine.put(number, judgement);
      late = over;
    }
    if (late) {
      judgement.cancel(false);
    }
    var unused =
        judgement.whenComplete(
            (done, thrown) -> {
              synchronized (lock) {
                inEngine.remove(number);
                if (over) {
                  return;
                }
              }
              answer(
                  thrown == null ? Wire.answer(id, done) : Wire.failure(id, Wire.status(thrown)));
            });
  }

  @Override
  public void onCompleted() {
    synchronized (lock) {
      halfClosed = true;
    }
    send();
  }

  @Override
  public void onError(Throwable thrown) {
    cancel();
  }

  private void answer(AnalyzeResponse response) {
    synchronized (lock) {
      answers.add(response);
    }
    send();
  }

  private void send() {
    synchronized (lock) {
      while (!over && !answers.isEmpty() && call.isReady()) {
        call.onNext(answers.remove());
        unanswered--;
        call.request(1);
      }
      if (!over && halfClosed && unanswered == 0) {
        over = true;
        call.onCompleted();
      }
    }
  }

  private void cancel() {
    List<CompletableFuture<Judgement>> left;
    synchronized (lock) {
      over = true;
      answers.clear();
      left = List.copyOf(inEngine.values());
    }
    // Outside the lock: a cancelled future runs its dependents here.
    left.forEach(judgement -> judgement.cancel(false));
  }
}
