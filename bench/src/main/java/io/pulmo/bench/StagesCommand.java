package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.network.Preset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "stages",
    description =
        "Takes a leader, a worker, a ZooKeeper server or a network away while a job is submitted, trains, validates and exports; whether it ends well.")
final class StagesCommand implements Callable<Integer> {
  /** Of the drawn data set: enough for a validation that can be hit. */
  static final int PATIENTS = 200;

  private static final int MOST_ROUNDS = 10_000;

  @ParentCommand private @Nullable Bench bench;
  @Mixin private final ClusterOptions options = new ClusterOptions();

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "16",
      description = "jobs, with one loss each: 16 are all there are (default: ${DEFAULT-VALUE})")
  private int rounds;

  @Override
  public Integer call() throws Exception {
    if (rounds < 1 || rounds > MOST_ROUNDS) {
      throw CommandFailure.usage("--rounds is " + rounds + ", expected 1 to " + MOST_ROUNDS);
    }
    return options.measure(
        ClusterEvent.STAGES,
        Preset.SMALL,
        PATIENTS,
        true,
        Objects.requireNonNull(bench).quiet(),
        (cluster, begin, progress) ->
            new StagesBench(
                    cluster,
                    begin.preset(),
                    ClusterOptions.BATCH,
                    begin.workers(),
                    begin.seed(),
                    progress)
                .run(rounds(begin.seed(), rounds)),
        StagesVerifier::figures);
  }

  /** So many, each loss in each stage as often as any other, in the order of a seed. */
  static List<StagesBench.Round> rounds(long seed, int count) {
    Random random = new Random(seed);
    List<StagesBench.Round> rounds = new ArrayList<>();
    while (rounds.size() < count) {
      List<StagesBench.Round> all = new ArrayList<>();
      for (ClusterEvent.Stage stage : ClusterEvent.Stage.values()) {
        for (ClusterEvent.Loss loss : ClusterEvent.Loss.values()) {
          all.add(new StagesBench.Round(stage, loss));
        }
      }
      Collections.shuffle(all, random);
      rounds.addAll(all);
    }
    return rounds.subList(0, count);
  }
}
