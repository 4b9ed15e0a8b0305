package io.pulmo.bench;

import io.pulmo.bench.ClusterHistory.Part;
import io.pulmo.bench.ClusterHistory.SeenJob;
import io.pulmo.bench.ClusterHistory.SeenView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The steps that made the surviving weights of a job: the newest view, the state that it continues,
 * the view that this was reached in, and so on back to the start. Oldest first.
 */
final class Lineage {
  // A step's sum is complete only with every member's part, so one member's report of it proves
  // that
  // all had computed theirs. A member that did not report it itself is nevertheless looked for in
  // all steps but the last of each stretch: while it has not finished a step, nobody finishes the
  // next.

  /**
   * A view's steps on the lineage: from the one after the first number to the second.
   *
   * @param fromStep of the state that the view continues
   * @param toStep of the state that the next view continues, or the last committed one
   */
  record Stretch(SeenView view, long fromStep, long toStep) {}

  /**
   * Samples of the lineage's epochs.
   *
   * @param samples positions that were looked at: all of each epoch that is over, and those up to
   *     the last step of the one that is not
   * @param missing positions that nobody computed
   * @param duplicated further times that a position was computed
   */
  record Count(long samples, long missing, long duplicated) {}

  private final SeenJob job;
  private final List<Stretch> stretches = new ArrayList<>();

  private Lineage(SeenJob job) {
    this.job = job;
  }

  /**
   * The lineage of a job.
   *
   * @throws IllegalArgumentException if a view goes on from a state that no known view reached
   */
  static Lineage of(SeenJob job) {
    Lineage lineage = new Lineage(job);
    Map.Entry<Long, SeenView> newest = job.views().lastEntry();
    if (newest == null) {
      return lineage;
    }
    SeenView view = newest.getValue();
    long to = view.continuesStep();
    for (long step : view.steps().keySet()) {
      if (view.committedAt(step).isPresent()) {
        to = Math.max(to, step);
      }
    }
    while (true) {
      if (to < view.continuesStep()) {
        throw new IllegalArgumentException(
            "view %d begins at step %d, and one goes on from its step %d"
                .formatted(view.id(), view.continuesStep(), to));
      }
      lineage.stretches.addFirst(new Stretch(view, view.continuesStep(), to));
      if (view.continuesView() == 0) {
        return lineage;
      }
      SeenView before = job.views().get(view.continuesView());
      if (before == null || before.id() >= view.id()) {
        throw new IllegalArgumentException(
            "view %d continues view %d, which nobody entered before it"
                .formatted(view.id(), view.continuesView()));
      }
      to = view.continuesStep();
      view = before;
    }
  }

  /** Its parts, the oldest first. */
  List<Stretch> stretches() {
    return stretches;
  }

  /** Its last step. */
  long lastStep() {
    return stretches.isEmpty() ? 0 : stretches.getLast().toStep();
  }

  /** Whether a step of a view is on it. */
  boolean has(SeenView view, long step) {
    return stretches.stream()
        .anyMatch(
            stretch ->
                stretch.view.id() == view.id()
                    && step > stretch.fromStep
                    && step <= stretch.toStep);
  }

  /** The first of its views above an id. */
  Optional<SeenView> viewAfter(long id) {
    return stretches.stream().map(Stretch::view).filter(view -> view.id() > id).findFirst();
  }

  /** Counts how often each position of each epoch's order was computed. */
  Count count() {
    int samples = job.submitted().samples();
    int steps = Math.ceilDiv(samples, job.submitted().batch());
    long missing = 0;
    long duplicated = 0;
    long looked = 0;
    int[] times = new int[samples];
    int epochEnd = 0;
    for (Stretch stretch : stretches) {
      for (long step = stretch.fromStep + 1; step <= stretch.toStep; step++) {
        int inEpoch = (int) ((step - 1) % steps);
        int from = (int) ((long) samples * inEpoch / steps);
        epochEnd = (int) ((long) samples * (inEpoch + 1) / steps);
        add(stretch, step, (step - 1) / steps, from, epochEnd, times);
        long beside = summed(stretch, step, epochEnd - from) - (epochEnd - from);
        missing += Math.max(0, -beside);
        duplicated += Math.max(0, beside);
        if (epochEnd == samples) {
          missing += Arrays.stream(times).filter(time -> time == 0).count();
          duplicated += Arrays.stream(times).map(time -> Math.max(0, time - 1)).sum();
          looked += samples;
          Arrays.fill(times, 0);
          epochEnd = 0;
        }
      }
    }
    int[] begun = Arrays.copyOf(times, epochEnd);
    missing += Arrays.stream(begun).filter(time -> time == 0).count();
    // Beyond the last step, too: those were computed before their turn.
    duplicated += Arrays.stream(times).map(time -> Math.max(0, time - 1)).sum();
    return new Count(looked + epochEnd, missing, duplicated);
  }

  /** The samples in a step's sum: what a member says that is not the step's own number. */
  private static long summed(Stretch stretch, long step, long size) {
    return stretch.view.steps().getOrDefault(step, Map.of()).values().stream()
        .mapToLong(Part::summed)
        .filter(summed -> summed != size)
        .findFirst()
        .orElse(size);
  }

  private static void add(
      Stretch stretch, long step, long epoch, int batchFrom, int batchTo, int[] times) {
    Map<String, Part> parts = stretch.view.steps().getOrDefault(step, Map.of());
    if (parts.isEmpty()) {
      return;
    }
    long sum = stretch.view.shares().values().stream().mapToLong(Integer::longValue).sum();
    long before = 0;
    for (Map.Entry<String, Integer> seat : stretch.view.shares().entrySet()) {
      Part part = parts.get(seat.getKey());
      int size = batchTo - batchFrom;
      int from = batchFrom + (int) (size * before / sum);
      before += seat.getValue();
      int to = batchFrom + (int) (size * before / sum);
      if (part != null) {
        // What it says it did, wherever that is; of another epoch it is not what this step needs.
        from = part.epoch() == epoch ? (int) Math.min(part.from(), times.length) : 0;
        to = part.epoch() == epoch ? (int) Math.min(part.to(), times.length) : 0;
      } else if (step < stretch.toStep) {
        continue;
      }
      for (int position = from; position < to; position++) {
        times[position]++;
      }
    }
  }
}
