package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.model.data.SyntheticRadiographs;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cluster as its users run it: a ZooKeeper server, two coordinators and three workers, each a
 * process of its own in a directory of its own, with real signals.
 */
class ClusterProcessesTest {
  private static final Duration START = Duration.ofSeconds(60);
  private static final Duration TRAINING = Duration.ofMinutes(4);

  private Path directory;
  private final List<PulmoProcess> processes = new ArrayList<>();
  private final List<PulmoProcess> workers = new ArrayList<>();
  private PulmoProcess leader;
  private String coordinators;
  private Path data;

  @BeforeEach
  void startCluster(@TempDir Path directory) throws Exception {
    this.directory = directory;
    data = directory.resolve("data");
    SyntheticRadiographs.generate(
        new SyntheticRadiographs.Settings(40, 3, 96, true), data, done -> {});
    int port = freePort();
    processes.add(
        PulmoProcess.startMain(
            directory.resolve("zookeeper"),
            "org.apache.zookeeper.server.ZooKeeperServerMain",
            Integer.toString(port),
            directory.resolve("zookeeper/data").toString()));
    List<PulmoProcess> started = new ArrayList<>();
    List<String> addresses = new ArrayList<>();
    for (int c = 1; c <= 2; c++) {
      PulmoProcess coordinator =
          start(
              "coordinator-" + c,
              "coordinator",
              "--port",
              "0",
              "--zookeeper",
              "127.0.0.1:" + port,
              "--state",
              "state");
      started.add(coordinator);
      addresses.add(coordinator.await(".* listening on (\\S+)", START));
      if (c == 1) {
        // One coordinator is enough to lead: an answer to a list means that it does.
        assertEquals(0, run("train", "list", "--coordinator", addresses.get(0)).exitCode());
      }
    }
    leader = started.getFirst();
    coordinators = String.join(",", addresses);
    for (int w = 1; w <= 3; w++) {
      workers.add(
          start(
              "worker-" + w,
              "worker",
              "--coordinator",
              addresses.get(1),
              "--data",
              data.toString(),
              "--state",
              "state"));
    }
    for (PulmoProcess worker : workers) {
      worker.await(".* listening on (\\S+)", START);
    }
  }

  @AfterEach
  void stopCluster() {
    processes.forEach(PulmoProcess::close);
  }

  @Test
  void job_leaderKilledBeforeSubmission_completesWithOneDigestOnAllWorkers() throws Exception {
    leader.signal("KILL");

    String id = submit(2, 3);
    completesWithOneDigest(id);
    Path bundle = directory.resolve("bundle");
    assertEquals(
        0,
        run("train", "bundle", id, "--coordinator", coordinators, "--out", bundle.toString())
            .exitCode());
    assertTrue(Files.exists(bundle.resolve("fp32.onnx")));
    assertTrue(Files.exists(bundle.resolve("ledger.json")));
    ledgerVerifies(id);
  }

  @Test
  void job_workerAndLeaderKilledInTraining_goesOnAndCountsEachSampleOnce() throws Exception {
    String id = submit(40, 2);
    awaitTraining(id);

    workers.get(1).signal("KILL");
    awaitStatus(id, job -> job.get("members").size() == 2);
    leader.signal("KILL");

    assertEquals(0, run("train", "watch", id, "--coordinator", coordinators).exitCode());
    assertEquals(1, digests(status(id), 2).size());
    ledgerVerifies(id);
  }

  @Test
  void job_workerPausedInTraining_waitsForItAndCompletesOnItsReturn() throws Exception {
    String id = submit(25, 3);
    awaitTraining(id);

    workers.get(1).signal("STOP");
    awaitStatus(id, job -> job.get("detail").asText().equals("waits for workers: 2 of 3"));
    workers.get(1).signal("CONT");

    assertEquals(0, run("train", "watch", id, "--coordinator", coordinators).exitCode());
    assertEquals(1, digests(status(id), 3).size());
    ledgerVerifies(id);
  }

  private void ledgerVerifies(String id) throws Exception {
    Result ledger = run("train", "ledger", id, "--coordinator", coordinators);
    assertEquals(0, ledger.exitCode(), ledger.toString());
    assertTrue(ledger.output().contains("the final state's ledger verifies"), ledger::toString);
  }

  private static Set<String> digests(JsonNode job, int members) {
    Set<String> digests = new HashSet<>();
    for (JsonNode member : job.get("members")) {
      digests.add(member.get("state_digest").asText());
    }
    assertEquals(members, job.get("members").size(), job.toString());
    assertTrue(digests.iterator().next().matches("[0-9a-f]{64}"), job.toString());
    return digests;
  }

  private void completesWithOneDigest(String id) throws Exception {
    Result watched = run("train", "watch", id, "--coordinator", coordinators);
    assertEquals(0, watched.exitCode(), watched.toString());
    JsonNode job = status(id);
    for (JsonNode member : job.get("members")) {
      assertEquals(
          job.get("steps_total").asLong(),
          member.get("steps_computed").asLong(),
          "each worker computes a share of every step: " + job);
    }
    assertEquals(1, digests(job, 3).size(), job.toString());
  }

  /** Returns once a step has been done. */
  private void awaitTraining(String id) throws Exception {
    awaitStatus(id, job -> job.get("step").asLong() > 0);
  }

  private void awaitStatus(String id, Predicate<JsonNode> wanted) throws Exception {
    long deadlineNanos = System.nanoTime() + START.toNanos();
    JsonNode job = status(id);
    while (!wanted.test(job)) {
      assertTrue(System.nanoTime() < deadlineNanos, "still: " + job);
      assertTrue(!job.get("state").asText().equals("completed"), "too late: " + job);
      job = status(id);
    }
  }

  private String submit(int epochs, int leastWorkers) throws Exception {
    Path yaml =
        Files.writeString(
            directory.resolve("JOB.yaml"),
            """
            name: by-hand
            preset: small
            data: {train: data/train_list.txt, validation: data/val_list.txt, images: images}
            batch: 12
            epochs: %d
            workers: {min: %d, max: 3}
            """
                .formatted(epochs, leastWorkers));
    Result submitted = run("train", "submit", yaml.toString(), "--coordinator", coordinators);
    assertEquals(0, submitted.exitCode(), submitted.toString());
    return submitted.output().strip();
  }

  private JsonNode status(String id) throws Exception {
    Path json = Files.createTempFile(directory, "status", ".json");
    Result status =
        run("train", "status", id, "--coordinator", coordinators, "--json", json.toString());
    assertEquals(0, status.exitCode(), status.toString());
    return new ObjectMapper().readTree(json.toFile());
  }

  private PulmoProcess start(String name, String... arguments) throws IOException {
    PulmoProcess process = PulmoProcess.start(directory.resolve(name), arguments);
    processes.add(process);
    return process;
  }

  private Result run(String... arguments) throws Exception {
    PulmoProcess process = PulmoProcess.start(directory.resolve("command"), arguments);
    processes.add(process);
    int exitCode = process.awaitExit(TRAINING);
    return new Result(exitCode, process.output(), process.errors());
  }

  private record Result(int exitCode, String output, String errors) {}

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
