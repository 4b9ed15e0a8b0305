package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.model.network.Preset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Option;

/** The options of the benches that run a cluster of processes. */
final class ClusterOptions {
  /** Of a step. */
  static final int BATCH = 12;

  /** How long a leader waits for a lost state by default. */
  static final long PATIENCE_MILLIS = 60_000;

  private static final int MOST_DRAWN_SEED = 1_000_000;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "of victims and instants (default: a random one, which is printed)")
  private Optional<Long> seed = Optional.empty();

  @Option(names = "--workers", paramLabel = "N", defaultValue = "3", description = "default: 3")
  private int workers;

  @Option(
      names = "--coordinators",
      paramLabel = "N",
      defaultValue = "3",
      description = "default: 3")
  private int coordinators;

  @Option(
      names = "--keep",
      paramLabel = "DIR",
      description = "an empty folder for the processes' own folders and logs, which stay there")
  private Optional<Path> keep = Optional.empty();

  @Option(names = "--json", paramLabel = "FILE", description = "the figures for programs")
  private Optional<Path> json = Optional.empty();

  @Option(
      names = "--events",
      paramLabel = "FILE",
      description = "what the harness did and the processes said, synced as it happens")
  private Optional<Path> events = Optional.empty();

  /** What a bench does with its cluster. */
  @FunctionalInterface
  interface Work {
    /**
     * Does it.
     *
     * @param begin under what it runs
     * @param progress for people
     */
    void on(Cluster cluster, ClusterEvent.Begin begin, Consumer<String> progress)
        throws IOException, InterruptedException;
  }

  /** Computes a bench's figures from its file of events. */
  @FunctionalInterface
  interface Verifier {
    ClusterFigures figures(Path events) throws IOException;
  }

  int workers() {
    return workers;
  }

  /**
   * Runs a bench on a cluster of its own, prints its figures and keeps what is asked for.
   *
   * @param format of its events
   * @param patients of the drawn data set
   * @param wired whether wires can be cut
   * @param quiet without progress
   * @return the exit code
   */
  int measure(
      String format,
      Preset preset,
      int patients,
      boolean wired,
      boolean quiet,
      Work work,
      Verifier verifier)
      throws IOException, InterruptedException {
    ClusterFigures figures;
    try (TemporaryFolder temporary = TemporaryFolder.create("pulmo-bench-")) {
      Path file = events.orElse(temporary.path().resolve("events"));
      ClusterEvent.Begin begin = begin(format, preset.label());
      System.err.println("pulmo: seed " + begin.seed());
      try (Cluster cluster =
          Cluster.start(folder(temporary.path()), file, begin, patients, preset, wired)) {
        work.on(
            cluster,
            begin,
            line -> {
              if (!quiet) {
                System.err.println("pulmo: " + line);
              }
            });
      }
      figures = verifier.figures(file);
    }
    System.out.print(figures.text());
    if (json.isPresent()) {
      JsonFile.write(json.get(), figures.json());
    }
    return figures.clean() ? ExitCode.DONE : ExitCode.FAILED;
  }

  /** The first event. */
  private ClusterEvent.Begin begin(String format, String preset) {
    return CommandFailure.option(
        "--workers, --coordinators",
        () ->
            new ClusterEvent.Begin(
                format,
                seed.orElseGet(() -> (long) new SecureRandom().nextInt(MOST_DRAWN_SEED)),
                preset,
                workers,
                coordinators,
                3,
                PATIENCE_MILLIS,
                Runtime.getRuntime().availableProcessors(),
                Runtime.version().toString()));
  }

  /** The folder for everything. */
  private Path folder(Path temporary) throws IOException {
    if (keep.isEmpty()) {
      return Files.createDirectories(temporary.resolve("cluster"));
    }
    Path kept = Files.createDirectories(keep.get()).toAbsolutePath();
    try (var files = Files.list(kept)) {
      if (files.findAny().isPresent()) {
        throw CommandFailure.usage("--keep is " + kept + ", which is not empty");
      }
    }
    return kept;
  }
}
