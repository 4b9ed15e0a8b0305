package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.network.Preset;
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
    return options.measure(
        ClusterEvent.LEDGER,
        Preset.SMALL,
        PATIENTS,
        false,
        Objects.requireNonNull(bench).quiet(),
        (cluster, begin, progress) ->
            new LedgerBench(
                    cluster,
                    begin.preset(),
                    ClusterOptions.BATCH,
                    EPOCHS,
                    begin.workers(),
                    progress)
                .run(begin.seed(), seeds),
        LedgerVerifier::figures);
  }
}
