package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.client.Analysis;
import io.pulmo.client.Precision;
import io.pulmo.client.WeightRange;
import io.pulmo.model.Finding;
import io.pulmo.model.Findings;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.repository.LoadedModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Images judged here by a bundle, several side by side. */
final class BundleInference {
  private final LoadedModel model;
  private final Mode mode;
  private final ImageNames names;
  private final InferReport report;
  private volatile boolean failed;

  private BundleInference(LoadedModel model, Mode mode, ImageNames names, InferReport report) {
    this.model = model;
    this.mode = mode;
    this.names = names;
    this.report = report;
  }

  /** Judges all of them; what is wrong with an image goes to the report. */
  static void run(LoadedModel model, Mode mode, ImageNames names, InferReport report)
      throws IOException, InterruptedException {
    new BundleInference(model, mode, names, report).run();
  }

  private void run() throws IOException, InterruptedException {
    // One more than infer at a time: it decodes the next image meanwhile.
    int threads = model.parallelism() + 1;
    ExecutorService pool =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("pulmo-infer-", 1).daemon().factory());
    try {
      List<Future<Void>> workers = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        workers.add(pool.submit((Callable<Void>) this::work));
      }
      for (Future<Void> worker : workers) {
        worker.get();
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException runtime -> throw runtime;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(e);
      }
    } finally {
      failed = true;
      pool.close();
    }
  }

  private Void work() throws IOException {
    try {
      for (Optional<ImageNames.Named> next = names.next();
          next.isPresent() && !failed;
          next = names.next()) {
        ImageNames.Named image = next.get();
        if (image.refusal().isPresent()) {
          report.refused(image.name(), image.refusal().get());
        } else {
          judge(image.name());
        }
      }
      return null;
    } catch (IOException | RuntimeException | Error e) {
      // The others need not go on.
      failed = true;
      throw e;
    }
  }

  private void judge(String file) {
    Findings findings;
    try {
      findings = model.judge(ImageFile.read(file), mode);
    } catch (CommandFailure | UnreadableImageException refused) {
      report.refused(file, String.valueOf(refused.getMessage()));
      return;
    } catch (OutOfMemoryError e) {
      report.refused(
          file,
          "decoding it needs more memory than the "
              + (Runtime.getRuntime().maxMemory() >> 20)
              + " MiB that this command may use; save it with fewer pixels");
      return;
    }
    Map<String, Float> byLabel = new LinkedHashMap<>();
    for (Finding finding : Finding.ALL) {
      byLabel.put(finding.label(), findings.of(finding));
    }
    report.answered(
        file,
        new Analysis(
            byLabel,
            model.identity().name(),
            model.identity().version(),
            model.identity().digest(),
            Precision.valueOf(mode.name()),
            model.weightRange(mode).map(range -> WeightRange.valueOf(range.name()))));
  }
}
