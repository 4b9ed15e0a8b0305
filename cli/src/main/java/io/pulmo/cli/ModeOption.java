package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.serving.backend.Mode;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** The option that chooses what computes the answers. */
final class ModeOption {
  @Option(
      names = "--mode",
      paramLabel = "torch|fp32|int8",
      split = ",",
      description =
          "what computes the answers: PyTorch, OpenVINO or OpenVINO in 8 bits; several with commas (default: all that can run)")
  private List<String> modes = List.of();

  boolean given() {
    return !modes.isEmpty();
  }

  /** Those given, or all. */
  Set<Mode> modes() {
    Set<Mode> chosen = EnumSet.noneOf(Mode.class);
    for (String label : modes) {
      chosen.add(CommandFailure.option("--mode", () -> Mode.ofLabel(label)));
    }
    return chosen.isEmpty() ? EnumSet.allOf(Mode.class) : chosen;
  }
}
