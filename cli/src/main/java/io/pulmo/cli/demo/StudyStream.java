package io.pulmo.cli.demo;

import io.pulmo.cli.terminal.Progress;
import io.pulmo.client.Analysis;
import io.pulmo.client.AnalysisListener;
import io.pulmo.client.AnalysisStream;
import io.pulmo.client.Options;
import io.pulmo.client.Precision;
import io.pulmo.client.PulmoClient;
import io.pulmo.client.PulmoException;
import io.pulmo.client.WeightRange;
import io.pulmo.model.Finding;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.metric.AucReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** A label list's images through a server, as one stream of the Java client. */
final class StudyStream {
  private static final Duration PATIENCE = Duration.ofMinutes(30);

  private StudyStream() {}

  /**
   * Sends every image once and judges the answers.
   *
   * @param images the folder in which the list's images lie
   * @throws PulmoException if one is refused
   */
  static DemoReport.Mode run(
      String server, Precision precision, LabelList list, Path images, Progress progress)
      throws IOException, InterruptedException {
    float[] probabilities = new float[list.size() * Finding.COUNT];
    AtomicInteger answered = new AtomicInteger();
    AtomicReference<WeightRange> weights = new AtomicReference<>();
    AtomicReference<PulmoException> refused = new AtomicReference<>();
    AnalysisListener listener =
        new AnalysisListener() {
          @Override
          public void onAnalysis(String id, Analysis analysis) {
            int row = Integer.parseInt(id) * Finding.COUNT;
            for (Finding finding : Finding.ALL) {
              probabilities[row + finding.ordinal()] = analysis.probability(finding.label());
            }
            analysis.weightRange().ifPresent(weights::set);
            progress.at(answered.incrementAndGet());
          }

          @Override
          public void onFailure(String id, PulmoException failure) {
            refused.compareAndSet(null, failure);
          }
        };
    Options options = Options.defaults().withPrecision(precision).withDeadline(PATIENCE);
    try (PulmoClient client = PulmoClient.builder().target(server).build()) {
      long startedNanos = System.nanoTime();
      try (AnalysisStream stream = client.stream(options, listener)) {
        for (int i = 0; i < list.size(); i++) {
          stream.send(Integer.toString(i), Files.readAllBytes(images.resolve(list.name(i))));
        }
        stream.awaitCompletion(PATIENCE);
      }
      double seconds = (System.nanoTime() - startedNanos) / 1e9;
      PulmoException failure = refused.get();
      if (failure != null) {
        throw failure;
      }
      return new DemoReport.Mode(
          precision.name().toLowerCase(Locale.ROOT),
          Optional.ofNullable(weights.get()).map(WeightRange::label),
          AucReport.of(probabilities, list),
          list.size() / seconds);
    }
  }
}
