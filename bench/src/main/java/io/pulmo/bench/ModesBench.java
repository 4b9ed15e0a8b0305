package io.pulmo.bench;

import io.pulmo.bench.ModesEvent.Mode;
import io.pulmo.bench.ModesEvent.What;
import io.pulmo.bench.ModesEvent.Who;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.Findings;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.ExecutionPlan;
import io.pulmo.serving.repository.LoadedModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * The time of a study in each mode, and that of the peers, in turns and one at a time.
 *
 * <p>Each round times every mode of each side, beginning with another one each time, with as many
 * studies as took two seconds in the warm-up: fewer would weigh the ends, where cores run out of
 * work, too much.
 */
final class ModesBench {
  private static final double TARGET_SECONDS = 2;
  private static final int FEWEST_STUDIES = 4;
  private static final int MOST_STUDIES = 1000;

  private record Row(Who who, Mode mode) {}

  private final LoadedModel model;
  private final List<BenchImage> images;
  private final List<float[]> crops;
  private final Optional<ModesPeer> peer;
  private final boolean endToEnd;
  private final EventsFile events;
  private final Map<Mode, Integer> studies = new EnumMap<>(Mode.class);

  /**
   * A bench of a model.
   *
   * @param images what is judged end to end
   * @param crops of the same images
   */
  ModesBench(
      LoadedModel model,
      List<BenchImage> images,
      List<float[]> crops,
      Optional<ModesPeer> peer,
      boolean endToEnd,
      EventsFile events) {
    this.model = model;
    this.images = images;
    this.crops = crops;
    this.peer = peer;
    this.endToEnd = endToEnd;
    this.events = events;
  }

  static io.pulmo.serving.backend.Mode served(Mode mode) {
    return io.pulmo.serving.backend.Mode.valueOf(mode.name());
  }

  /**
   * Runs it.
   *
   * @param rounds that count; one more before them warms up
   * @param done told how many rounds are done
   */
  void run(int rounds, BackendOptions options, IntConsumer done)
      throws IOException, InterruptedException {
    begin(rounds, options);
    List<Row> rows = rows();
    for (Mode mode : Mode.values()) {
      if (model.modes().contains(served(mode))) {
        time(new Row(Who.PULMO, mode), What.LONE, 1);
        double seconds = time(new Row(Who.PULMO, mode), What.LONE, 1) / 1e9;
        // An even number, which two streams share evenly.
        int wanted = 2 * (int) Math.round(TARGET_SECONDS / seconds / 2);
        studies.put(mode, Math.clamp(wanted, FEWEST_STUDIES, MOST_STUDIES));
      }
    }
    differences(rows);
    for (int round = 0; round <= rounds; round++) {
      for (int i = 0; i < rows.size(); i++) {
        Row row = rows.get((i + round) % rows.size());
        for (What what : whats(row)) {
          boolean many = what == What.THROUGHPUT || what == What.END_TO_END;
          int count = many ? studies.getOrDefault(row.mode, FEWEST_STUDIES) : 1;
          long nanos = time(row, what, count);
          if (round > 0) {
            events.add(new ModesEvent.Time(row.who, row.mode, what, round, count, nanos));
          }
        }
      }
      done.accept(round + 1);
    }
  }

  private void begin(int rounds, BackendOptions options) throws IOException {
    Map<Mode, ExecutionPlan> plans = new EnumMap<>(Mode.class);
    String weights = null;
    for (io.pulmo.serving.backend.Mode mode : model.modes()) {
      Mode spelled = Mode.valueOf(mode.name());
      model.plan(mode).ifPresent(plan -> plans.put(spelled, plan));
      weights = model.weightRange(mode).map(range -> range.label()).orElse(weights);
    }
    events.add(
        new ModesEvent.Begin(
            ModesEvent.FORMAT,
            endToEnd,
            rounds,
            options.processor().name(),
            options.processor().tellingFlags(),
            options.threads(),
            model.identity().name() + " " + model.identity().version(),
            plans,
            weights,
            Runtime.version().toString(),
            peer.map(ModesPeer::tools).orElse(null)));
    for (Map.Entry<io.pulmo.serving.backend.Mode, String> left : model.unavailable().entrySet()) {
      events.add(
          new ModesEvent.LeftOut(Who.PULMO, Mode.valueOf(left.getKey().name()), left.getValue()));
    }
  }

  private List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (Mode mode : Mode.values()) {
      if (model.modes().contains(served(mode))) {
        rows.add(new Row(Who.PULMO, mode));
      }
      if (peer.isPresent() && peer.get().modes().contains(mode)) {
        rows.add(new Row(Who.PEER, mode));
      }
    }
    return rows;
  }

  private List<What> whats(Row row) {
    if (endToEnd) {
      return List.of(What.END_TO_END);
    }
    return row.who == Who.PEER && row.mode != Mode.TORCH
        ? List.of(What.THROUGHPUT, What.LONE, What.BEST_SPLIT)
        : List.of(What.THROUGHPUT, What.LONE);
  }

  private long time(Row row, What what, int count) throws IOException, InterruptedException {
    if (row.who == Who.PEER) {
      return peer.orElseThrow().time(row.mode, what, count);
    }
    io.pulmo.serving.backend.Mode mode = served(row.mode);
    if (what == What.LONE) {
      long started = System.nanoTime();
      model.judge(crops.getFirst(), mode);
      return Math.max(1, System.nanoTime() - started);
    }
    // As serving does: one more than infer at a time, which decodes meanwhile.
    int threads = model.parallelism() + 1;
    AtomicInteger next = new AtomicInteger();
    Callable<Void> work =
        () -> {
          for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
            judge(i, mode);
          }
          return null;
        };
    ExecutorService pool =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("pulmo-bench-", 1).daemon().factory());
    try {
      long started = System.nanoTime();
      List<Future<Void>> all = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        all.add(pool.submit(work));
      }
      for (Future<Void> one : all) {
        one.get();
      }
      return Math.max(1, System.nanoTime() - started);
    } catch (ExecutionException e) {
      throw CommandFailure.work("a study could not be judged: " + e.getCause());
    } finally {
      pool.shutdownNow();
    }
  }

  private Findings judge(int study, io.pulmo.serving.backend.Mode mode)
      throws UnreadableImageException {
    return endToEnd
        ? model.judge(images.get(study % images.size()).bytes(), mode)
        : model.judge(crops.get(study % crops.size()), mode);
  }

  /** How far each is from Pulmo's own fp32, so that nobody is fast by computing something else. */
  private void differences(List<Row> rows) throws IOException {
    Row exact = new Row(Who.PULMO, Mode.FP32);
    if (!rows.contains(exact)) {
      return;
    }
    List<float[]> expected = answers(exact);
    for (Row row : rows) {
      if (row.equals(exact)) {
        continue;
      }
      List<float[]> answers = answers(row);
      double sum = 0;
      int count = 0;
      for (int i = 0; i < expected.size(); i++) {
        for (int f = 0; f < expected.get(i).length; f++) {
          sum += Math.abs(expected.get(i)[f] - answers.get(i)[f]);
          count++;
        }
      }
      events.add(new ModesEvent.Difference(row.who, row.mode, exact.who, exact.mode, sum / count));
    }
  }

  private List<float[]> answers(Row row) throws IOException {
    if (row.who == Who.PEER) {
      return peer.orElseThrow().answers(row.mode);
    }
    List<float[]> all = new ArrayList<>();
    for (int i = 0; i < images.size(); i++) {
      try {
        all.add(judge(i, served(row.mode)).probabilities().clone());
      } catch (UnreadableImageException e) {
        throw CommandFailure.work(images.get(i).file() + ": " + e.getMessage());
      }
    }
    return all;
  }
}
