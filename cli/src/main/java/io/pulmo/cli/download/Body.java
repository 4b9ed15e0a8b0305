package io.pulmo.cli.download;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer as it arrives, piece by piece, with a limit on how long a piece may take:
 * the client's own timeout ends with the head.
 */
final class Body implements HttpResponse.BodySubscriber<Body>, AutoCloseable {
  private sealed interface Signal {
    record Piece(List<ByteBuffer> buffers) implements Signal {}

    record End() implements Signal {}

    record Broken(Throwable cause) implements Signal {}
  }

  /** One piece is asked for at a time; after it comes at most the end. */
  private final BlockingQueue<Signal> signals = new ArrayBlockingQueue<>(2);

  @GuardedBy("this")
  private Flow.@Nullable Subscription subscription;

  @GuardedBy("this")
  private boolean closed;

  @Override
  public CompletionStage<Body> getBody() {
    return CompletableFuture.completedStage(this);
  }

  @Override
  public synchronized void onSubscribe(Flow.Subscription given) {
    if (closed) {
      given.cancel();
      return;
    }
    subscription = given;
    given.request(1);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    signals.add(new Signal.Piece(buffers));
  }

  @Override
  public void onError(Throwable cause) {
    signals.add(new Signal.Broken(cause));
  }

  @Override
  public void onComplete() {
    signals.add(new Signal.End());
  }

  /**
   * The next piece; null after the last.
   *
   * @throws IOException if the connection broke, or nothing came for so long
   */
  @Nullable List<ByteBuffer> next(Duration patience) throws IOException, InterruptedException {
    Signal signal = signals.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
    return switch (signal) {
      case null ->
          throw new HttpTimeoutException("nothing came for " + patience.toSeconds() + " s");
      case Signal.Piece piece -> {
        requestAnother();
        yield piece.buffers();
      }
      case Signal.End end -> null;
      case Signal.Broken broken ->
          throw new IOException(String.valueOf(broken.cause().getMessage()), broken.cause());
    };
  }

  private synchronized void requestAnother() {
    if (subscription != null) {
      subscription.request(1);
    }
  }

  /** Gives up on the rest. */
  @Override
  public synchronized void close() {
    closed = true;
    if (subscription != null) {
      subscription.cancel();
    }
  }
}
