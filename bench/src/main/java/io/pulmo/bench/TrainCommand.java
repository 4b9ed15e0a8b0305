package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "train",
    description =
        "Images a second in training, and the parts of a step; with --peers in turns with PyTorch's own loop.")
final class TrainCommand implements Callable<Integer> {
  private static final int WARM_UPS = 2;
  private static final int IMAGES_PER_PATIENT = 2;
  private static final int LEAST_PATIENTS = 20;
  private static final long SEED = 1;

  @ParentCommand private @Nullable Bench bench;

  @Option(
      names = "--preset",
      paramLabel = "small|chexnet",
      defaultValue = "chexnet",
      description = "the network (default: ${DEFAULT-VALUE})")
  private String preset = "";

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "16",
      description = "a step's global batch (default: ${DEFAULT-VALUE})")
  private int batch;

  @Option(
      names = "--workers",
      paramLabel = "N",
      defaultValue = "1",
      description = "that share this machine's cores (default: ${DEFAULT-VALUE})")
  private int workers;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "7",
      description = "each a job of its own (default: ${DEFAULT-VALUE})")
  private int rounds;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "6",
      description = "timed in each round (default: ${DEFAULT-VALUE})")
  private int steps;

  @Option(names = "--peers", description = "in turns with PyTorch's own loop")
  private boolean peers;

  @Option(names = "--json", paramLabel = "FILE", description = "the figures for programs")
  private Optional<Path> json = Optional.empty();

  @Option(names = "--events", paramLabel = "FILE", description = "every step, as it was told")
  private Optional<Path> events = Optional.empty();

  @Override
  public Integer call() throws Exception {
    boolean quiet = Objects.requireNonNull(bench).quiet();
    Preset network = ModesCommand.presetOf(preset);
    ClusterEvent.Rounds plan =
        CommandFailure.option(
            "--rounds, --steps", () -> new ClusterEvent.Rounds(rounds, WARM_UPS, steps, null));
    if (batch < workers) {
      throw CommandFailure.usage(
          "--batch is " + batch + ", expected " + workers + " at least, one for each worker");
    }
    ClusterEvent.Begin begin =
        CommandFailure.option(
            "--workers",
            () ->
                new ClusterEvent.Begin(
                    ClusterEvent.TRAIN,
                    SEED,
                    preset,
                    workers,
                    1,
                    1,
                    ClusterOptions.PATIENCE_MILLIS,
                    Runtime.getRuntime().availableProcessors(),
                    Runtime.version().toString()));
    // An epoch holds a round, so that no validation is timed; seven of ten patients train.
    int patients =
        Math.max(LEAST_PATIENTS, (WARM_UPS + steps + 2) * batch * 10 / 7 / IMAGES_PER_PATIENT);
    TrainFigures figures;
    try (TemporaryFolder work = TemporaryFolder.create("pulmo-bench-")) {
      Path file = events.orElse(work.path().resolve("events"));
      try (Cluster cluster =
              Cluster.start(work.path().resolve("cluster"), file, begin, patients, network, false);
          Progress progress = Progress.start("rounds", " rounds", rounds, quiet)) {
        TrainBench measuring = new TrainBench(cluster, plan, preset, batch);
        measuring.start(workers);
        if (peers) {
          try (PeerScript script = PeerScript.start("train.py", begin.cores())) {
            measuring.run(
                Optional.of(new TrainBench.Peer(script, open(cluster, network, begin.cores()))),
                progress::at);
          }
        } else {
          measuring.run(Optional.empty(), progress::at);
        }
      }
      figures = TrainVerifier.figures(file);
    }
    System.out.print(figures.text());
    if (json.isPresent()) {
      JsonFile.write(json.get(), figures.json());
    }
    return ExitCode.DONE;
  }

  private Map<String, Object> open(Cluster cluster, Preset network, int threads)
      throws IOException {
    DenseNetSpec layers = network.network();
    Map<String, Object> open = new HashMap<>();
    open.put("images", cluster.data().resolve("images").toRealPath().toString());
    open.put("list", cluster.data().resolve("train_list.txt").toString());
    open.put("stem", layers.stemChannels());
    open.put("growth", layers.growthRate());
    open.put("bottleneck", layers.bottleneckFactor());
    open.put("blocks", layers.blocks());
    open.put("resize", network.preprocessing().resizePixels());
    open.put("side", network.preprocessing().cropPixels());
    open.put("batch", batch);
    open.put("threads", threads);
    open.put("seed", SEED);
    return open;
  }
}
