package io.pulmo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What computes the figures of a bench of training, from its events alone.
 *
 * <p>A round's time is that from the last warm-up step to the last step, as the harness heard of
 * them from the member that was told of last; the parts are the means of what the members measured.
 * What no part accounts for is waiting.
 */
final class TrainVerifier {
  private static final double MICROS_PER_MILLI = 1e3;
  private static final double NANOS_PER_MILLI = 1e6;

  private record Told(long t, double computing, double data, double ring, double applying) {}

  private final SequencedMap<String, ClusterEvent.Job> jobs = new LinkedHashMap<>();
  private final Map<String, Map<String, Map<Long, Told>>> steps = new HashMap<>();
  private final Map<Integer, List<ClusterEvent.PeerStep>> peers = new HashMap<>();
  private ClusterEvent.@Nullable Begin begin;
  private ClusterEvent.@Nullable Rounds plan;

  private TrainVerifier() {}

  /**
   * The figures of a file of events.
   *
   * @throws CommandFailure if a line is wrong, or an event is missing
   */
  static TrainFigures figures(Path events) throws IOException {
    TrainVerifier verifier = new TrainVerifier();
    EventsFile.read(events, ClusterEvent.class, verifier::take);
    try {
      return verifier.figures();
    } catch (IllegalArgumentException e) {
      throw CommandFailure.work(events + ": " + e.getMessage() + "; run the bench again");
    }
  }

  private void take(ClusterEvent event) {
    switch (event) {
      case ClusterEvent.Begin first -> {
        require(begin == null, "a second beginning");
        begin = first;
      }
      case ClusterEvent.Rounds rounds -> {
        require(begin != null && plan == null, "rounds before the beginning, or again");
        plan = rounds;
      }
      case ClusterEvent.Job job -> {
        require(jobs.size() < planned().rounds(), "more jobs than rounds");
        require(jobs.putIfAbsent(job.job(), job) == null, "a job that was submitted before");
        require(jobs.firstEntry().getValue().batch() == job.batch(), "a batch of another size");
      }
      case ClusterEvent.Said said -> said(said);
      case ClusterEvent.PeerStep step -> {
        require(planned().peer() != null, "a peer's step without a peer");
        require(step.round() <= planned().rounds(), "a round that is not planned");
        peers.computeIfAbsent(step.round(), round -> new ArrayList<>()).add(step);
      }
      case ClusterEvent.Started unused -> {}
      case ClusterEvent.Alive unused -> {}
      case ClusterEvent.Ended unused -> {}
      case ClusterEvent.Did unused -> {}
      case ClusterEvent.Phase unused -> {}
      case ClusterEvent.JobEnded unused -> {}
      case ClusterEvent.Aimed unused -> {}
    }
  }

  private void said(ClusterEvent.Said event) {
    JsonNode said = event.said();
    if (!said.path("kind").asText().equals("step")
        || !jobs.containsKey(said.path("job").asText())) {
      return;
    }
    JsonNode millis = said.path("ms");
    Told told =
        new Told(
            event.t(),
            millis.path("compute").asDouble(Double.NaN),
            millis.path("data").asDouble(Double.NaN),
            millis.path("ring").asDouble(Double.NaN),
            millis.path("apply").asDouble(Double.NaN));
    require(
        told.computing + told.data + told.ring + told.applying >= 0,
        "a step without its milliseconds");
    steps
        .computeIfAbsent(said.path("job").asText(), job -> new LinkedHashMap<>())
        .computeIfAbsent(said.path("member").asText(), member -> new HashMap<>())
        .put(said.path("step").asLong(), told);
  }

  private ClusterEvent.Rounds planned() {
    ClusterEvent.Rounds known = plan;
    if (known == null) {
      throw new IllegalArgumentException("it has no rounds yet");
    }
    return known;
  }

  private static void require(boolean so, String otherwise) {
    if (!so) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  private TrainFigures figures() {
    ClusterEvent.Rounds plan = planned();
    ClusterEvent.Begin begin = this.begin;
    if (begin == null) {
      throw new IllegalArgumentException("it has no beginning");
    }
    require(
        jobs.size() == plan.rounds(),
        "%d rounds, expected %d".formatted(jobs.size(), plan.rounds()));
    List<TrainFigures.Round> ours = new ArrayList<>();
    for (ClusterEvent.Job job : jobs.values()) {
      ours.add(ours(job, begin, plan));
    }
    List<TrainFigures.Round> theirs = new ArrayList<>();
    int batch = jobs.firstEntry().getValue().batch();
    if (plan.peer() != null) {
      for (int round = 1; round <= plan.rounds(); round++) {
        theirs.add(theirs(round, batch, plan));
      }
    }
    return new TrainFigures(begin, plan, batch, ours, theirs);
  }

  private TrainFigures.Round ours(
      ClusterEvent.Job job, ClusterEvent.Begin begin, ClusterEvent.Rounds plan) {
    Map<String, Map<Long, Told>> members = steps.getOrDefault(job.job(), Map.of());
    require(
        members.size() == begin.workers(),
        "steps of %d members in job %s, expected %d"
            .formatted(members.size(), job.job(), begin.workers()));
    long first = plan.warmUps();
    long last = first + plan.steps();
    long from = 0;
    long to = 0;
    double[] parts = new double[4];
    for (Map<Long, Told> member : members.values()) {
      from = Math.max(from, at(member, first, job).t);
      to = Math.max(to, at(member, last, job).t);
      for (long step = first + 1; step <= last; step++) {
        Told told = at(member, step, job);
        parts[0] += told.computing;
        parts[1] += told.ring;
        parts[2] += told.applying;
        parts[3] += told.data;
      }
    }
    double whole = (to - from) / MICROS_PER_MILLI / plan.steps();
    require(whole > 0, "no time passed in job " + job.job());
    int reports = plan.steps() * members.size();
    for (int i = 0; i < parts.length; i++) {
      parts[i] /= reports;
    }
    return new TrainFigures.Round(
        job.batch() / whole * MICROS_PER_MILLI, parts[0], parts[1], parts[2], parts[3], whole);
  }

  private static Told at(Map<Long, Told> member, long step, ClusterEvent.Job job) {
    Told told = member.get(step);
    if (told == null) {
      throw new IllegalArgumentException("step " + step + " of job " + job.job() + " is missing");
    }
    return told;
  }

  private TrainFigures.Round theirs(int round, int batch, ClusterEvent.Rounds plan) {
    List<ClusterEvent.PeerStep> all = peers.getOrDefault(round, List.of());
    require(
        all.size() == plan.steps(),
        "%d steps of the peer in round %d, expected %d".formatted(all.size(), round, plan.steps()));
    double whole = mean(all, ClusterEvent.PeerStep::nanos);
    return new TrainFigures.Round(
        batch / whole * MICROS_PER_MILLI,
        mean(all, ClusterEvent.PeerStep::forwardBackward),
        0,
        mean(all, ClusterEvent.PeerStep::apply),
        mean(all, ClusterEvent.PeerStep::data),
        whole);
  }

  private static double mean(
      List<ClusterEvent.PeerStep> steps,
      java.util.function.ToLongFunction<ClusterEvent.PeerStep> part) {
    return steps.stream().mapToLong(part).average().orElseThrow() / NANOS_PER_MILLI;
  }
}
