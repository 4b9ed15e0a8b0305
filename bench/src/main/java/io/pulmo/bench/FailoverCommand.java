package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.network.Preset;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "failover",
    description =
        "Kills, stops and cuts off workers, leaders and ZooKeeper at random instants while a job trains; what it costs, and whether anything is lost.")
final class FailoverCommand implements Callable<Integer> {
  private static final int PATIENTS = 100;
  private static final int SECONDS_PER_MINUTE = 60;

  @ParentCommand private @Nullable Bench bench;
  @Mixin private final ClusterOptions options = new ClusterOptions();

  @Option(
      names = "--preset",
      paramLabel = "small|chexnet",
      defaultValue = "small",
      description = "the network (default: ${DEFAULT-VALUE})")
  private String preset = "";

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "" + ClusterOptions.BATCH,
      description = "a step's global batch (default: ${DEFAULT-VALUE})")
  private int batch;

  @Option(
      names = "--worker-kills",
      paramLabel = "N",
      defaultValue = "10",
      description = "workers killed one at a time (default: ${DEFAULT-VALUE})")
  private int workerKills;

  @Option(
      names = "--leader-kills",
      paramLabel = "N",
      defaultValue = "4",
      description = "leaders killed, every second with a worker (default: ${DEFAULT-VALUE})")
  private int leaderKills;

  @Option(
      names = "--worker-stops",
      paramLabel = "N",
      defaultValue = "2",
      description =
          "workers stopped, and as many cut off from the network (default: ${DEFAULT-VALUE})")
  private int workerStops;

  @Option(
      names = "--leader-stops",
      paramLabel = "N",
      defaultValue = "2",
      description = "leaders stopped, every second while a worker dies (default: ${DEFAULT-VALUE})")
  private int leaderStops;

  @Option(
      names = "--seconds-without-zookeeper",
      paramLabel = "S",
      defaultValue = "30",
      description =
          "how long the whole ensemble is away, once stopped and once killed (default: ${DEFAULT-VALUE})")
  private int secondsWithoutZooKeeper;

  @Option(
      names = "--seconds-slow",
      paramLabel = "S",
      defaultValue = "60",
      description =
          "how long a worker gets a quarter of its time, after all faults (default: ${DEFAULT-VALUE})")
  private int secondsSlow;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      defaultValue = "1",
      description = "of full CPU load without a fault (default: ${DEFAULT-VALUE})")
  private double minutes;

  @Override
  public Integer call() throws Exception {
    Preset network = ModesCommand.presetOf(preset);
    boolean anyBelowZero =
        IntStream.of(
                workerKills,
                leaderKills,
                workerStops,
                leaderStops,
                secondsWithoutZooKeeper,
                secondsSlow)
            .anyMatch(count -> count < 0);
    if (anyBelowZero || !(minutes >= 0)) {
      throw CommandFailure.usage("a count is below 0, expected 0 for none of it");
    }
    if (batch < options.workers()) {
      throw CommandFailure.usage(
          "--batch is %d, expected %d at least, one for each worker"
              .formatted(batch, options.workers()));
    }
    FailoverBench.Amounts amounts =
        new FailoverBench.Amounts(
            workerKills,
            leaderKills,
            workerStops,
            leaderStops,
            secondsWithoutZooKeeper,
            secondsSlow,
            (int) Math.round(minutes * SECONDS_PER_MINUTE));
    return options.measure(
        ClusterEvent.FAILOVER,
        network,
        PATIENTS,
        true,
        Objects.requireNonNull(bench).quiet(),
        (cluster, begin, progress) ->
            new FailoverBench(cluster, begin.seed(), amounts, batch, progress)
                .run(begin.workers(), begin.preset()),
        FailoverVerifier::figures);
  }
}
