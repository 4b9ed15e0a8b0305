package io.pulmo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.pulmo.bench.ClusterHistory.SeenView;
import io.pulmo.cli.rpc.JobClient;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;

/** Rounds of training, each a job of which some steps are timed, in turns with the peer's loop. */
final class TrainBench {
  private static final Duration ROUND = Duration.ofMinutes(10);
  private static final Duration END = Duration.ofMinutes(1);
  private static final long LOOK_MILLIS = 100;

  private final Cluster cluster;
  private final ClusterEvent.Rounds plan;
  private final String preset;
  private final int batch;
  private int workers;

  /**
   * The peer's loop.
   *
   * @param script its process
   * @param open what it is told first
   */
  record Peer(PeerScript script, Map<String, Object> open) {}

  TrainBench(Cluster cluster, ClusterEvent.Rounds plan, String preset, int batch) {
    this.cluster = cluster;
    this.plan = plan;
    this.preset = preset;
    this.batch = batch;
  }

  /** Starts so many workers. */
  void start(int count) throws IOException, InterruptedException {
    workers = count;
    for (int w = 1; w <= count; w++) {
      ChildJvm unused = cluster.startWorker("worker-" + w, false);
    }
    for (ChildJvm worker : cluster.workers().values()) {
      String unused = worker.awaitAddress(Cluster.START);
    }
  }

  /**
   * Times all rounds.
   *
   * @param progress hears how many are done
   */
  void run(Optional<Peer> peer, IntConsumer progress) throws IOException, InterruptedException {
    String tools = null;
    if (peer.isPresent()) {
      tools = peer.get().script().ask(Map.of("open", peer.get().open())).path("tools").asText();
    }
    SyncedEvents events = cluster.events();
    events.add(new ClusterEvent.Rounds(plan.rounds(), plan.warmUps(), plan.steps(), tools));
    for (int round = 1; round <= plan.rounds(); round++) {
      ours(round);
      if (peer.isPresent()) {
        theirs(peer.get(), round);
      }
      progress.accept(round);
    }
  }

  private void ours(int round) throws IOException, InterruptedException {
    String id =
        FailoverBench.submit(
            cluster, "train-" + round, preset, batch, 1, workers, workers, line -> {});
    long last = (long) plan.warmUps() + plan.steps();
    Optional<SeenView> done =
        cluster.await(
            ROUND,
            seen ->
                seen.jobs().containsKey(id)
                    ? seen.jobs().get(id).views().values().stream()
                        .filter(view -> view.committedAt(last).isPresent())
                        .findFirst()
                    : Optional.empty());
    if (done.isEmpty()) {
      throw CommandFailure.work(
          "job %s has not taken %d steps in %d s".formatted(id, last, ROUND.toSeconds()));
    }
    try (JobClient client = new JobClient(cluster.coordinatorAddresses())) {
      boolean ended = client.cancel(id).ended();
      long deadlineNanos = System.nanoTime() + END.toNanos();
      while (!ended && System.nanoTime() < deadlineNanos) {
        Thread.sleep(LOOK_MILLIS);
        ended = client.get(id).ended();
      }
    }
  }

  private void theirs(Peer peer, int round) throws IOException {
    JsonNode answer = peer.script().ask(Map.of("warm_ups", plan.warmUps(), "steps", plan.steps()));
    for (JsonNode step : answer.path("steps")) {
      cluster
          .events()
          .add(
              new ClusterEvent.PeerStep(
                  round,
                  step.path("nanos").asLong(),
                  step.path("forward_backward").asLong(),
                  step.path("apply").asLong(),
                  step.path("data").asLong()));
    }
  }
}
