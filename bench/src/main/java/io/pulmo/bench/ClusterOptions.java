package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Optional;
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
  Optional<Path> json = Optional.empty();

  @Option(
      names = "--events",
      paramLabel = "FILE",
      description = "what the harness did and the processes said, synced as it happens")
  Optional<Path> events = Optional.empty();

  int workers() {
    return workers;
  }

  /** The first event. */
  ClusterEvent.Begin begin(String format, String preset) {
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
  Path folder(Path temporary) throws IOException {
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
