package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.client.Options;
import io.pulmo.client.Precision;
import io.pulmo.client.PulmoClient;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.repository.LoadedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "infer",
    description =
        "The fourteen probabilities of radiographs, by a bundle here or by a server, as they are done. An image that is refused does not stop the others; the exit code is then 1.")
final class InferCommand implements Callable<Integer> {
  /** Where the model is: exactly one of the two. */
  private static final class Where {
    @Option(names = "--bundle", paramLabel = "DIR", required = true)
    private Optional<Path> bundle = Optional.empty();

    @Option(names = "--server", paramLabel = "HOST:PORT", required = true)
    private Optional<String> server = Optional.empty();
  }

  @Mixin private final ImageLimitOptions limits = new ImageLimitOptions();
  @Mixin private final BackendChoice backends = new BackendChoice();

  @ArgGroup(multiplicity = "1")
  private Where where = new Where();

  @Option(names = "--mode", paramLabel = "torch|fp32|int8", required = true)
  private String mode = "";

  @Option(names = "--json", paramLabel = "FILE", description = "the answers for programs")
  private Optional<Path> json = Optional.empty();

  @Parameters(
      paramLabel = "IMAGE",
      arity = "1..*",
      description = "image files, folders of them, or - for names on standard input, one a line")
  private List<String> images = List.of();

  @Override
  public Integer call() throws Exception {
    Mode asked = CommandFailure.option("--mode", () -> Mode.ofLabel(mode));
    ImageNames names =
        new ImageNames(images, System.in, note -> System.err.println("pulmo: " + note));
    if (where.server.isPresent() && backends.given()) {
      throw CommandFailure.usage(
          "--int8-range is given with --server, which chooses its weights itself; expected it with --bundle, or for pulmo serve");
    }
    return where.bundle.isPresent()
        ? byBundle(where.bundle.get(), asked, names)
        : byServer(where.server.orElseThrow(), asked, names);
  }

  private int byBundle(Path folder, Mode asked, ImageNames names)
      throws IOException, InterruptedException {
    try (LoadedModel model =
            LoadedModel.open(
                Bundle.open(folder), Set.of(asked), limits.limits(), backends.options());
        InferReport report = new InferReport(mode, json)) {
      BundleInference.run(model, asked, names, report);
      return exitCode(report);
    }
  }

  private int byServer(String server, Mode asked, ImageNames names) throws IOException {
    Options options =
        Options.defaults()
            .withPrecision(Precision.valueOf(asked.name()))
            .withDeadline(ServerInference.DEADLINE);
    try (PulmoClient client =
            CommandFailure.option(
                "--server",
                () ->
                    PulmoClient.builder()
                        .target(server)
                        .maxInFlight(ServerInference.IN_FLIGHT)
                        .build());
        InferReport report = new InferReport(mode, json)) {
      new ServerInference(report).run(client, options, names);
      return exitCode(report);
    }
  }

  private static int exitCode(InferReport report) {
    return report.allAnswered() ? ExitCode.DONE : ExitCode.FAILED;
  }
}
