package io.pulmo.serving.repository;

import io.pulmo.model.bundle.Bundle;
import io.pulmo.openvino.OpenVinoException;
import io.pulmo.openvino.OpenVinoNatives;
import io.pulmo.openvino.OpenVinoNotFoundException;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.ExecutionPlan;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.Tuning;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The execution plans of a bundle: those that were measured on this machine, or the usual. */
final class Plans {
  private static final Logger log = LoggerFactory.getLogger(Plans.class);

  private final Optional<Tuning> tuning;
  private final ExecutionPlan untuned;

  private Plans(Optional<Tuning> tuning, ExecutionPlan untuned) {
    this.tuning = tuning;
    this.untuned = untuned;
  }

  /** Of a bundle. A file of plans that does not hold is no error: it is told, and not used. */
  static Plans of(Bundle bundle, BackendOptions options) {
    ExecutionPlan untuned = ExecutionPlan.untuned(options.threads());
    Path file = Tuning.fileOf(bundle);
    Optional<Tuning> tuning = Optional.empty();
    try {
      tuning = Tuning.read(file);
      if (tuning.isPresent()) {
        String version = OpenVinoNatives.describe().version();
        Optional<String> stale =
            tuning
                .get()
                .staleFor(bundle.digest(), options.processor().name(), options.threads(), version);
        if (stale.isPresent()) {
          ignored(file, stale.get());
          tuning = Optional.empty();
        }
      }
    } catch (IOException e) {
      ignored(file, String.valueOf(e.getMessage()));
    } catch (OpenVinoNotFoundException | OpenVinoException e) {
      // Whoever opens a backend says it better.
      tuning = Optional.empty();
    }
    return new Plans(tuning, untuned);
  }

  private static void ignored(Path file, String why) {
    log.warn(
        "{} is not used: {}; measure again with: pulmo bench modes --tune --bundle DIR", file, why);
  }

  /** The plan of a mode. */
  ExecutionPlan of(Mode mode) {
    return tuning.flatMap(measured -> measured.plan(mode)).orElse(untuned);
  }
}
