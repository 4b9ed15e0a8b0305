package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.model.data.SyntheticRadiographs;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "generate",
    description =
        "Draws radiograph-like images with planted findings, label lists split 70/10/20 by patient, and the boxes.")
final class DataGenerateCommand implements Callable<Integer> {
  @ParentCommand private @Nullable DataCommand data;

  @Option(names = "--out", paramLabel = "DIR", required = true)
  private Path out = Path.of("");

  @Option(names = "--patients", paramLabel = "N", required = true)
  private int patients;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "the same seed gives the same bytes (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--size",
      paramLabel = "PIXELS",
      defaultValue = "1024",
      description = "the images' side (default: ${DEFAULT-VALUE})")
  private int size;

  @Option(
      names = "--balanced",
      description = "each finding in 15 to 25 of 100 images, not at ChestX-ray14's prevalence")
  private boolean balanced;

  @Override
  public Integer call() throws Exception {
    SyntheticRadiographs.Settings settings =
        CommandFailure.option(
            "--patients, --size",
            () -> new SyntheticRadiographs.Settings(patients, seed, size, balanced));
    try (Progress progress =
        Progress.start(
            "radiographs", " images", settings.images(), Objects.requireNonNull(data).quiet())) {
      SyntheticRadiographs.generate(settings, out, progress::at);
    }
    System.out.println("generated in " + out);
    return ExitCode.DONE;
  }
}
