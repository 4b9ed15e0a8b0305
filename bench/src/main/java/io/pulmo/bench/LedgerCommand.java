package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.model.network.Preset;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "ledger",
    description =
        "Trains short jobs to their end under random kills, pauses and joins, and counts how often each sample was computed.")
final class LedgerCommand implements Callable<Integer> {
  private static final int PATIENTS = 60;

  /** Of a job. */
  static final int EPOCHS = 30;

  @ParentCommand private @Nullable Bench bench;
  @Mixin private final ClusterOptions options = new ClusterOptions();

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "3",
      description =
          "jobs, the first with --seed and each with the next (default: ${DEFAULT-VALUE})")
  private int seeds;

  @Override
  public Integer call() throws Exception {
    if (seeds < 1) {
      throw CommandFailure.usage("--seeds is " + seeds + ", expected 1 or more");
    }
    boolean quiet = Objects.requireNonNull(bench).quiet();
    LedgerFigures figures;
    try (TemporaryFolder work = TemporaryFolder.create("pulmo-bench-")) {
      Path file = options.events.orElse(work.path().resolve("events"));
      ClusterEvent.Begin begin = options.begin(ClusterEvent.LEDGER, Preset.SMALL.label());
      System.err.println("pulmo: seed " + begin.seed());
      try (Cluster cluster =
          Cluster.start(options.folder(work.path()), file, begin, PATIENTS, Preset.SMALL, false)) {
        new LedgerBench(
                cluster,
                Preset.SMALL.label(),
                ClusterOptions.BATCH,
                EPOCHS,
                begin.workers(),
                line -> {
                  if (!quiet) {
                    System.err.println("pulmo: " + line);
                  }
                })
            .run(begin.seed(), seeds);
      }
      figures = LedgerVerifier.figures(file);
    }
    System.out.print(figures.text());
    if (options.json.isPresent()) {
      JsonFile.write(options.json.get(), figures.json());
    }
    return figures.clean() ? ExitCode.DONE : ExitCode.FAILED;
  }
}
