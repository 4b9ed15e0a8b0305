package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.model.data.SyntheticRadiographs;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "data", description = "Makes data sets.")
final class DataCommand implements Runnable {
  @ParentCommand private @Nullable Pulmo pulmo;
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        Objects.requireNonNull(spec).commandLine(), "given no command, expected generate");
  }

  @Command(
      name = "generate",
      description =
          "Draws radiograph-like images with planted findings, label lists split 70/10/20 by patient, and the boxes.")
  int generate(
      @Option(names = "--out", paramLabel = "DIR", required = true) Path out,
      @Option(names = "--patients", paramLabel = "N", required = true) int patients,
      @Option(
              names = "--seed",
              paramLabel = "S",
              defaultValue = "1",
              description = "the same seed gives the same bytes (default: ${DEFAULT-VALUE})")
          long seed,
      @Option(
              names = "--size",
              paramLabel = "PIXELS",
              defaultValue = "1024",
              description = "the images' side (default: ${DEFAULT-VALUE})")
          int size,
      @Option(
              names = "--balanced",
              description =
                  "each finding in 15 to 25 of 100 images, not at ChestX-ray14's prevalence")
          boolean balanced)
      throws Exception {
    SyntheticRadiographs.Settings settings =
        CommandFailure.option(
            "--patients, --size",
            () -> new SyntheticRadiographs.Settings(patients, seed, size, balanced));
    try (Progress progress =
        Progress.start(
            "radiographs", " images", settings.images(), Objects.requireNonNull(pulmo).quiet())) {
      SyntheticRadiographs.generate(settings, out, progress::at);
    }
    System.out.println("generated in " + out);
    return ExitCode.DONE;
  }
}
