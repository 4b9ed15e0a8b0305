package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.openvino.OpenVinoNatives;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.CompiledModels;
import io.pulmo.serving.backend.WeightRange;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of how a model uses this machine. */
final class BackendChoice {
  @Option(
      names = "--int8-range",
      paramLabel = "auto|full|half",
      description =
          "the weights of int8: full range where the processor adds the products of bytes in 32 bits (VNNI, AMX), else half (default: auto, by the processor)")
  private Optional<String> range = Optional.empty();

  boolean given() {
    return range.isPresent();
  }

  /** What suits this machine, with what was given. */
  BackendOptions options() {
    return BackendOptions.ofThisMachine()
        .withForcedRange(range.flatMap(BackendChoice::forced))
        .withCompiledModels(
            new CompiledModels(OpenVinoNatives.downloadFolder().resolveSibling("compiled")));
  }

  private static Optional<WeightRange> forced(String label) {
    return switch (label) {
      case "auto" -> Optional.empty();
      case "full" -> Optional.of(WeightRange.FULL);
      case "half" -> Optional.of(WeightRange.HALF);
      default ->
          throw CommandFailure.usage(
              "--int8-range is '" + label + "', expected auto, full or half");
    };
  }
}
