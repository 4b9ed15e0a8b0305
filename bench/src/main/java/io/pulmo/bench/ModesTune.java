package io.pulmo.bench;

import io.pulmo.bench.PlanChoice.Taken;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.cli.terminal.Table;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.openvino.OpenVinoNatives;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.ExecutionPlan;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.OpenVinoBackend;
import io.pulmo.serving.backend.Tuning;
import io.pulmo.serving.backend.WeightRange;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The search for how a bundle's studies are spread best over this machine.
 *
 * <p>First every cut on every number of streams, briefly; then the best of those in turns. A time
 * is that of the round that was disturbed least; what it is worth, {@link PlanChoice} says.
 */
final class ModesTune {
  private static final int FIRST_ROUNDS = 1;
  private static final int FINAL_ROUNDS = 3;
  private static final int STUDIES = 4;

  private final Bundle bundle;
  private final BackendOptions options;
  private final float[] crops;
  private final boolean quiet;

  ModesTune(Bundle bundle, BackendOptions options, float[] crops, boolean quiet) {
    this.bundle = bundle;
    this.options = options;
    this.crops = crops;
    this.quiet = quiet;
  }

  /** Searches, writes the file beside the bundle and prints what was found. */
  void run(Optional<Path> json) throws IOException, InterruptedException {
    Map<String, ExecutionPlan> plans = new TreeMap<>();
    Map<String, Object> report = new LinkedHashMap<>();
    Table table =
        new Table("plan", "crops", "streams", "requests", "pinned", "lone s", "many s", "chosen");
    for (Mode mode : bundle.hasInt8() ? List.of(Mode.FP32, Mode.INT8) : List.of(Mode.FP32)) {
      SequencedMap<ExecutionPlan, Taken> taken = search(mode);
      ExecutionPlan chosen = PlanChoice.of(taken, ExecutionPlan.untuned(options.threads()));
      plans.put(mode.label(), chosen);
      List<Map<String, Object>> rows = new ArrayList<>();
      taken.forEach(
          (plan, seconds) -> {
            table.row(
                mode.label(),
                Integer.toString(plan.cropsPerRequest()),
                Integer.toString(plan.streams()),
                Integer.toString(plan.requests()),
                plan.pinned() ? "yes" : "no",
                String.format(Locale.ROOT, "%.3f", seconds.lone()),
                String.format(Locale.ROOT, "%.3f", seconds.many()),
                plan.equals(chosen) ? "*" : "");
            rows.add(
                Map.of(
                    "plan",
                    plan,
                    "lone_s_per_study",
                    seconds.lone(),
                    "s_per_study",
                    seconds.many()));
          });
      report.put(mode.label(), Map.of("chosen", chosen, "measured", rows));
    }
    Path file = Tuning.fileOf(bundle);
    new Tuning(
            Tuning.FORMAT,
            bundle.digest(),
            options.processor().name(),
            options.threads(),
            OpenVinoNatives.describe().version(),
            plans)
        .write(file);
    System.out.print(table);
    System.out.println("kept in " + file);
    if (json.isPresent()) {
      JsonFile.write(json.get(), report);
    }
  }

  /** The finalists and what they took. */
  private SequencedMap<ExecutionPlan, Taken> search(Mode mode)
      throws IOException, InterruptedException {
    List<ExecutionPlan> first = PlanChoice.candidates(options.threads());
    SequencedMap<ExecutionPlan, Taken> brief = new LinkedHashMap<>();
    try (Progress progress = Progress.start(mode.label(), " plans", first.size(), quiet)) {
      for (ExecutionPlan plan : first) {
        brief.putAll(inTurns(mode, List.of(plan), FIRST_ROUNDS));
        progress.at(brief.size());
      }
    }
    return inTurns(
        mode, PlanChoice.finalists(brief, ExecutionPlan.untuned(options.threads())), FINAL_ROUNDS);
  }

  private SequencedMap<ExecutionPlan, Taken> inTurns(
      Mode mode, List<ExecutionPlan> plans, int rounds) throws IOException, InterruptedException {
    List<OpenVinoBackend> open = new ArrayList<>();
    try {
      for (ExecutionPlan plan : plans) {
        open.add(open(mode, plan));
      }
      double[][] lone = new double[plans.size()][rounds];
      double[][] many = new double[plans.size()][rounds];
      for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < plans.size(); i++) {
          int at = (i + round) % plans.size();
          if (round == 0) {
            // The first of each is slower.
            open.get(at).judge(crops);
          }
          lone[at][round] = seconds(open.get(at), 1);
          many[at][round] = seconds(open.get(at), STUDIES);
        }
      }
      SequencedMap<ExecutionPlan, Taken> taken = new LinkedHashMap<>();
      for (int i = 0; i < plans.size(); i++) {
        taken.put(plans.get(i), new Taken(least(lone[i]), least(many[i])));
      }
      return taken;
    } finally {
      open.forEach(OpenVinoBackend::close);
    }
  }

  private OpenVinoBackend open(Mode mode, ExecutionPlan plan) throws IOException {
    Optional<WeightRange> range =
        mode == Mode.INT8 ? Optional.of(options.weightRange()) : Optional.empty();
    return OpenVinoBackend.open(
        bundle.file(range.map(WeightRange::file).orElse(Bundle.ONNX)),
        range,
        bundle.manifest().preprocessing().cropPixels(),
        plan,
        options.threads(),
        Optional.empty());
  }

  private double seconds(OpenVinoBackend backend, int studies) throws InterruptedException {
    AtomicInteger left = new AtomicInteger(studies);
    int threads = Math.min(studies, backend.parallelism() + 1);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      long started = System.nanoTime();
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        all.add(
            pool.submit(
                () -> {
                  while (left.getAndDecrement() > 0) {
                    backend.judge(crops);
                  }
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
      return (System.nanoTime() - started) / 1e9 / studies;
    } catch (ExecutionException e) {
      throw CommandFailure.work("a plan could not be measured: " + e.getCause());
    } finally {
      pool.shutdownNow();
    }
  }

  private static double least(double[] values) {
    return Arrays.stream(values).min().orElseThrow();
  }
}
