package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.client.Analysis;
import io.pulmo.client.AnalysisListener;
import io.pulmo.client.AnalysisStream;
import io.pulmo.client.Options;
import io.pulmo.client.PulmoClient;
import io.pulmo.client.PulmoException;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Images judged by a server, over one stream with several in flight. */
final class ServerInference implements AnalysisListener {
  /** How many are unanswered at a time, each of them in memory. */
  static final int IN_FLIGHT = 8;

  /** How long one answer may take; a busy server's queue is part of it. */
  static final Duration DEADLINE = Duration.ofMinutes(2);

  private final InferReport report;
  private final Map<String, String> unanswered = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable PulmoException> fatal = new AtomicReference<>();

  ServerInference(InferReport report) {
    this.report = report;
  }

  /**
   * Sends all of them; what is wrong with an image goes to the report.
   *
   * @throws PulmoException if the server cannot answer any image, or goes away
   */
  void run(PulmoClient client, Options options, ImageNames names) throws IOException {
    try (AnalysisStream stream = client.stream(options, this)) {
      long number = 0;
      for (Optional<ImageNames.Named> next = names.next();
          next.isPresent() && fatal.get() == null;
          next = names.next()) {
        ImageNames.Named image = next.get();
        if (image.refusal().isPresent()) {
          report.refused(image.name(), image.refusal().get());
        } else {
          send(stream, Long.toString(++number), image.name());
        }
      }
      // Every request ends by its own deadline.
      if (fatal.get() == null && !stream.awaitCompletion(DEADLINE.multipliedBy(2))) {
        throw CommandFailure.work("the server answered all and did not end the stream");
      }
    } catch (PulmoException e) {
      fatal.compareAndSet(null, e);
    }
    PulmoException failure = fatal.get();
    if (failure != null) {
      throw failure;
    }
  }

  private void send(AnalysisStream stream, String id, String file) {
    byte[] bytes;
    try {
      bytes = ImageFile.read(file);
    } catch (CommandFailure refused) {
      report.refused(file, String.valueOf(refused.getMessage()));
      return;
    }
    unanswered.put(id, file);
    stream.send(id, bytes);
  }

  @Override
  public void onAnalysis(String id, Analysis analysis) {
    report.answered(String.valueOf(unanswered.remove(id)), analysis);
  }

  @Override
  public void onFailure(String id, PulmoException failure) {
    String file = String.valueOf(unanswered.remove(id));
    switch (failure.kind()) {
      case INVALID_ARGUMENT, DEADLINE, OVERLOADED, INTERNAL ->
          report.refused(file, String.valueOf(failure.getMessage()));
      // All the others would fail alike.
      case NOT_FOUND, NOT_OFFERED, UNAVAILABLE, CANCELLED -> fatal.compareAndSet(null, failure);
    }
  }
}
