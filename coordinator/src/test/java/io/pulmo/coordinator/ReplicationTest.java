package io.pulmo.coordinator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.pulmo.coordinator.zookeeper.EmbeddedZooKeeper;
import io.pulmo.node.Blobs;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.node.LeaderFollower;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.GetJobRequest;
import io.pulmo.proto.GetLeaderRequest;
import io.pulmo.proto.JobFile;
import io.pulmo.proto.JobState;
import io.pulmo.proto.SubmitJobRequest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Coordinators in processes of their own, and where the files of a submission are when they go. */
class ReplicationTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration STALL = Duration.ofSeconds(5);
  private static final int ROUNDS = Boolean.getBoolean("pulmo.long") ? 30 : 1;

  private final Path folder;
  private final Random random = new Random(20261124);
  private final List<CoordinatorProcess> coordinators = new ArrayList<>();
  private EmbeddedZooKeeper zookeeper;
  private int started;

  ReplicationTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void start() throws Exception {
    zookeeper = EmbeddedZooKeeper.start(folder.resolve("zookeeper"), 0);
  }

  @AfterEach
  void stop() {
    coordinators.forEach(CoordinatorProcess::close);
    zookeeper.close();
  }

  private CoordinatorProcess coordinator() throws IOException {
    started++;
    CoordinatorProcess process =
        CoordinatorProcess.start(zookeeper.connectString(), folder.resolve("state-" + started));
    coordinators.add(process);
    return process;
  }

  /** Starts so many, and waits until all of them know of each other and of a leader. */
  private void coordinators(int count) throws Exception {
    while (coordinators.size() < count) {
      coordinator();
    }
    for (CoordinatorProcess one : coordinators) {
      awaitCoordinators(one.address, count);
    }
  }

  private static void awaitCoordinators(HostPort at, int count) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    ManagedChannel channel = Channels.open(at, 4 << 20);
    try {
      while (true) {
        if (sees(channel, count)) {
          return;
        }
        assertTrue(System.nanoTime() - deadline < 0, "expected " + count + " coordinators");
        Thread.sleep(20);
      }
    } finally {
      channel.shutdownNow();
    }
  }

  private static boolean sees(ManagedChannel channel, int count) {
    try {
      var answer =
          CoordinatorGrpc.newBlockingStub(channel)
              .withDeadlineAfter(5, TimeUnit.SECONDS)
              .getLeader(GetLeaderRequest.getDefaultInstance());
      return answer.getCoordinatorsCount() == count && !answer.getLeader().isEmpty();
    } catch (StatusRuntimeException e) {
      // A machine under load may take its time.
      return false;
    }
  }

  private LeaderFollower follower() {
    return new LeaderFollower(coordinators.stream().map(one -> one.address).toList(), PATIENCE);
  }

  private CoordinatorProcess process(HostPort address) {
    return coordinators.stream()
        .filter(one -> one.address.equals(address))
        .findFirst()
        .orElseThrow();
  }

  private Path file(int bytes) throws IOException {
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    return Files.write(folder.resolve("file-" + UUID.randomUUID()), content);
  }

  /** A job of two files, submitted as the command line does. */
  private static String submit(LeaderFollower follower, Path train, Path validation)
      throws IOException, InterruptedException {
    String name = "job-" + UUID.randomUUID();
    SubmitJobRequest request =
        SubmitJobRequest.newBuilder()
            .setJobYaml(
                "name: " + name + "\ndata: {train: t.txt, validation: v.txt, images: images/}\n")
            .addFiles(stored(follower, "t.txt", train))
            .addFiles(stored(follower, "v.txt", validation))
            .setIdempotencyKey(UUID.randomUUID().toString())
            .build();
    return follower.call(stub -> stub.submitJob(request)).getJobId();
  }

  private static JobFile stored(LeaderFollower follower, String name, Path file)
      throws IOException, InterruptedException {
    return JobFile.newBuilder()
        .setName(name)
        .setSha256(Blobs.put(follower, file))
        .setBytes(Files.size(file))
        .build();
  }

  private void assertFetched(LeaderFollower follower, Path file) throws Exception {
    Path back = folder.resolve("back-" + UUID.randomUUID());
    Blobs.get(follower, Blobs.sha256(file), back);
    assertEquals(-1, Files.mismatch(file, back));
  }

  private static boolean holds(HostPort coordinator, Path file) throws Exception {
    ManagedChannel channel = Channels.open(coordinator, 4 << 20);
    try {
      Blobs.fetch(channel, Blobs.sha256(file), new Nowhere(), STALL);
      return true;
    } catch (StatusException e) {
      assertEquals(Status.Code.NOT_FOUND, e.getStatus().getCode());
      return false;
    } finally {
      channel.shutdownNow();
    }
  }

  private static final class Nowhere implements Blobs.Sink {
    @Override
    public void begin(long totalBytes) {}

    @Override
    public void write(ByteBuffer bytes) {}
  }

  @Test
  void leader_killedRightAfterASubmission_leavesTheJobWithAllItsFiles() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      coordinators(3);
      try (LeaderFollower follower = follower()) {
        CoordinatorProcess leader = process(follower.leader(PATIENCE));
        Path train = file(3_000_000);
        Path validation = file(100);
        String job = submit(follower, train, validation);
        leader.kill();
        coordinators.remove(leader);
        assertEquals(
            JobState.JOB_STATE_QUEUED,
            follower
                .call(stub -> stub.getJob(GetJobRequest.newBuilder().setJobId(job).build()))
                .getState());
        assertFetched(follower, train);
        assertFetched(follower, validation);
      }
    }
  }

  @Test
  void leader_killedDuringASubmission_leavesOneJobWithAllItsFiles() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      coordinators(3);
      try (LeaderFollower follower = follower()) {
        CoordinatorProcess leader = process(follower.leader(PATIENCE));
        Path train = file(8_000_000);
        Path validation = file(1_000_000);
        CompletableFuture<String> job =
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return submit(follower, train, validation);
                  } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                });
        int millis = random.nextInt(150);
        Thread.sleep(millis);
        leader.kill();
        coordinators.remove(leader);
        String id = job.get(60, TimeUnit.SECONDS);
        assertEquals(
            JobState.JOB_STATE_QUEUED,
            follower
                .call(stub -> stub.getJob(GetJobRequest.newBuilder().setJobId(id).build()))
                .getState(),
            "killed after " + millis + " ms");
        assertFetched(follower, train);
        assertFetched(follower, validation);
      }
    }
  }

  @Test
  void submission_whileAnotherCoordinatorIsPaused_isNotHeldUpForLong() throws Exception {
    coordinators(3);
    try (LeaderFollower follower = follower()) {
      HostPort leader = follower.leader(PATIENCE);
      CoordinatorProcess paused =
          coordinators.stream()
              .filter(one -> !one.address.equals(leader))
              .findFirst()
              .orElseThrow();
      CoordinatorProcess other =
          coordinators.stream()
              .filter(one -> !one.address.equals(leader) && one != paused)
              .findFirst()
              .orElseThrow();
      paused.signal("STOP");
      long start = System.nanoTime();
      Path train = file(1_000_000);
      Path validation = file(100);
      submit(follower, train, validation);
      long millis = (System.nanoTime() - start) / 1_000_000;
      System.out.println("submission beside a paused coordinator: " + millis + " ms");
      assertTrue(holds(other.address, train));
      assertTrue(holds(other.address, validation));
      assertTrue(millis < 12_000, millis + " ms");
      // Once it goes on, it fetches what the job refers to by itself.
      paused.signal("CONT");
      awaitHeld(paused.address, train);
    }
  }

  @Test
  void submission_whileTheOnlyOtherCoordinatorIsPaused_goesOnOnceThatCountsAsGone()
      throws Exception {
    coordinators(2);
    try (LeaderFollower follower = follower()) {
      HostPort leader = follower.leader(PATIENCE);
      CoordinatorProcess paused =
          coordinators.stream()
              .filter(one -> !one.address.equals(leader))
              .findFirst()
              .orElseThrow();
      paused.signal("STOP");
      long start = System.nanoTime();
      submit(follower, file(1_000), file(100));
      long millis = (System.nanoTime() - start) / 1_000_000;
      System.out.println("submission beside the only other, paused: " + millis + " ms");
      assertTrue(millis < 20_000, millis + " ms");
    }
  }

  @Test
  void coordinator_thatCameLater_fetchesWhatTheJobsReferTo() throws Exception {
    coordinators(1);
    Path train = file(2_000_000);
    try (LeaderFollower follower = follower()) {
      submit(follower, train, train);
      coordinators(2);
      awaitHeld(coordinators.get(1).address, train);
    }
    coordinators.removeFirst().kill();
    try (LeaderFollower follower = follower()) {
      assertFetched(follower, train);
    }
  }

  @Test
  void leader_thatLacksABlob_fetchesItFromTheCoordinatorThatHoldsIt() throws Exception {
    coordinators(2);
    try (LeaderFollower follower = follower()) {
      HostPort leader = follower.leader(PATIENCE);
      HostPort other =
          coordinators.stream()
              .map(one -> one.address)
              .filter(one -> !one.equals(leader))
              .findFirst()
              .orElseThrow();
      Path file = file(2_000_000);
      ManagedChannel channel = Channels.open(other, 4 << 20);
      try (InputStream in = Files.newInputStream(file)) {
        Blobs.copy(channel, Blobs.sha256(file), Files.size(file), in, STALL);
      } finally {
        channel.shutdownNow();
      }
      assertTrue(holds(other, file));
      assertTrue(!holds(leader, file));
      assertFetched(follower, file);
      assertTrue(holds(leader, file));
      StatusRuntimeException nowhere =
          assertThrows(
              StatusRuntimeException.class,
              () -> Blobs.get(follower, "c".repeat(64), folder.resolve("nowhere")));
      assertEquals(Status.Code.NOT_FOUND, nowhere.getStatus().getCode());
    }
  }

  private static void awaitHeld(HostPort coordinator, Path file) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!holds(coordinator, file)) {
      assertTrue(System.nanoTime() - deadline < 0, coordinator + " does not fetch " + file);
      Thread.sleep(50);
    }
  }
}
