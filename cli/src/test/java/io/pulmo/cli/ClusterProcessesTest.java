package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.cli.terminal.ExitCode;
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
  private static final Duration NAMED_WITHIN = Duration.ofSeconds(10);

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

    String id = submit(2);
    completesWithOneDigest(id);
    Path bundle = directory.resolve("bundle");
    assertEquals(
        0,
        run("train", "bundle", id, "--coordinator", coordinators, "--out", bundle.toString())
            .exitCode());
    assertTrue(Files.exists(bundle.resolve("fp32.onnx")));
    assertTrue(Files.exists(bundle.resolve("ledger.json")));
    Result ledger = run("train", "ledger", id, "--coordinator", coordinators);
    assertEquals(0, ledger.exitCode(), ledger.toString());
    assertTrue(ledger.output().contains("the final state's ledger verifies"), ledger::toString);
  }

  @Test
  void job_workerKilledInTraining_failsNamingItWithinTenSeconds() throws Exception {
    failsNaming("KILL");
  }

  @Test
  void job_workerPausedInTraining_failsNamingIt_andTheNextWaitsForItsReturn() throws Exception {
    failsNaming("STOP");

    String next = submit(1);
    assertEquals("waits for workers: 2 of 3", status(next).get("detail").asText());
    workers.get(1).signal("CONT");
    completesWithOneDigest(next);
  }

  private void completesWithOneDigest(String id) throws Exception {
    Result watched = run("train", "watch", id, "--coordinator", coordinators);
    assertEquals(0, watched.exitCode(), watched.toString());
    JsonNode job = status(id);
    Set<String> digests = new HashSet<>();
    for (JsonNode member : job.get("members")) {
      digests.add(member.get("state_digest").asText());
      assertEquals(
          job.get("steps_total").asLong(),
          member.get("steps_computed").asLong(),
          "each worker computes a share of every step: " + job);
    }
    assertEquals(3, job.get("members").size());
    assertEquals(1, digests.size(), job.toString());
    assertTrue(digests.iterator().next().matches("[0-9a-f]{64}"), job.toString());
  }

  private void failsNaming(String signal) throws Exception {
    String id = submit(500);
    PulmoProcess watch = start("watch", "train", "watch", id, "--coordinator", coordinators);
    awaitTraining(id);
    PulmoProcess victim = workers.get(1);

    long startedNanos = System.nanoTime();
    victim.signal(signal);
    assertEquals(ExitCode.FAILED, watch.awaitExit(NAMED_WITHIN.plusSeconds(5)), watch.errors());
    Duration took = Duration.ofNanos(System.nanoTime() - startedNanos);

    JsonNode job = status(id);
    assertEquals("failed", job.get("state").asText());
    assertTrue(
        job.get("detail").asText().contains("/" + victim.pid()),
        "names the worker with pid " + victim.pid() + ": " + job.get("detail"));
    assertTrue(took.compareTo(NAMED_WITHIN) <= 0, "took " + took);
  }

  /** Returns once a step has been done. */
  private void awaitTraining(String id) throws Exception {
    long deadlineNanos = System.nanoTime() + START.toNanos();
    while (status(id).get("step").asLong() == 0) {
      assertTrue(System.nanoTime() < deadlineNanos, "no step: " + status(id));
    }
  }

  private String submit(int epochs) throws Exception {
    Path yaml =
        Files.writeString(
            directory.resolve("JOB.yaml"),
            """
            name: by-hand
            preset: small
            data: {train: data/train_list.txt, validation: data/val_list.txt, images: images}
            batch: 12
            epochs: %d
            workers: {min: 3, max: 3}
            """
                .formatted(epochs));
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
