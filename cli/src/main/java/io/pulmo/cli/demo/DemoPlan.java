package io.pulmo.cli.demo;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.network.Preset;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What the demonstration does.
 *
 * @param preset the network
 * @param workers worker processes
 * @param patients how many the generator draws, of two to five images each
 * @param imagePixels their side
 * @param batch the global batch
 * @param epochs passes through the training split
 * @param learningRate Adam's
 */
public record DemoPlan(
    Preset preset,
    int workers,
    int patients,
    int imagePixels,
    int batch,
    int epochs,
    double learningRate) {
  private static final int MOST_WORKERS = 8;
  private static final int SEED = 1;

  /** Checks what the user chose and fills in the rest. */
  public static DemoPlan of(String preset, int workers) {
    if (workers < 1 || workers > MOST_WORKERS) {
      throw CommandFailure.usage(
          "--workers is " + workers + ", expected a number from 1 to " + MOST_WORKERS);
    }
    return switch (presetOf(preset)) {
      case SMALL -> new DemoPlan(Preset.SMALL, workers, 700, 256, 16, 16, 0.003);
      case CHEXNET -> new DemoPlan(Preset.CHEXNET, workers, 300, 256, 8, 2, 0.001);
    };
  }

  private static Preset presetOf(String label) {
    return Arrays.stream(Preset.values())
        .filter(p -> p.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                CommandFailure.usage(
                    "--preset is '"
                        + label
                        + "', expected one of "
                        + Arrays.stream(Preset.values())
                            .map(Preset::label)
                            .collect(Collectors.joining(", "))));
  }

  long seed() {
    return SEED;
  }

  /** The model's name. */
  String modelName() {
    return "demo-" + preset.label();
  }

  /** The job as a user would write it. */
  String jobYaml() {
    return """
        name: %s
        recipe: chexnet
        preset: %s
        data: {train: data/train_list.txt, validation: data/val_list.txt, images: images}
        batch: %d
        epochs: %d
        optimizer: {name: adam, learningRate: %s, onPlateau: 0.5}
        workers: {min: %d, max: %d}
        seed: %d
        """
        .formatted(
            modelName(),
            preset.label(),
            batch,
            epochs,
            String.format(Locale.ROOT, "%.6f", learningRate),
            workers,
            workers,
            SEED);
  }
}
