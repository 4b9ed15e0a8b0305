package io.pulmo.bench;

import io.pulmo.cli.rpc.JobClient;
import io.pulmo.cli.rpc.JobView;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The end of a job, as an event: how it ended, with which states, and what its ledger is worth. */
final class JobEnd {
  private static final long LOOK_MILLIS = 250;
  private static final Pattern PID = Pattern.compile(".*/(\\d+)");

  private JobEnd() {}

  /**
   * Waits for it, asks for the members' digests and verifies the ledger.
   *
   * @throws CommandFailure if the job has not ended in time
   */
  static void await(Cluster cluster, String id, Duration patience, Consumer<String> progress)
      throws IOException, InterruptedException {
    JobView job;
    long deadlineNanos = System.nanoTime() + patience.toNanos();
    try (JobClient client = new JobClient(cluster.coordinatorAddresses())) {
      job = client.get(id);
      while (!job.ended()) {
        if (System.nanoTime() > deadlineNanos) {
          throw CommandFailure.work(
              "job %s has not ended in %d s: %s".formatted(id, patience.toSeconds(), job));
        }
        Thread.sleep(LOOK_MILLIS);
        job = client.get(id);
      }
    }
    Map<Long, String> digests = new HashMap<>();
    for (JobView.Member member : job.members()) {
      Matcher pid = PID.matcher(member.name());
      if (pid.matches() && !member.stateDigest().isEmpty()) {
        digests.put(Long.valueOf(pid.group(1)), member.stateDigest());
      }
    }
    boolean verifies = cluster.command("train", "ledger", id) == 0;
    cluster
        .events()
        .add(new ClusterEvent.JobEnded(cluster.events().now(), id, job.state(), digests, verifies));
    progress.accept(
        "job " + id + " " + job.state() + (job.detail().isEmpty() ? "" : ": " + job.detail()));
  }
}
