package io.pulmo.coordinator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.pulmo.coordinator.zookeeper.EmbeddedZooKeeper;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.node.LeaderFollower;
import io.pulmo.node.Listen;
import io.pulmo.node.NoLeaderException;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.GetJobRequest;
import io.pulmo.proto.GetLeaderRequest;
import io.pulmo.proto.GetLeaderResponse;
import io.pulmo.proto.JobState;
import io.pulmo.proto.JobStatus;
import io.pulmo.proto.ListJobsRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two coordinators on one ZooKeeper, and what becomes of a cluster whose leader goes. */
class FailoverTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Path folder;
  private EmbeddedZooKeeper zookeeper;

  FailoverTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void start() throws Exception {
    zookeeper = EmbeddedZooKeeper.start(folder.resolve("zookeeper"), 0);
  }

  @AfterEach
  void stop() {
    zookeeper.close();
  }

  private CoordinatorServer coordinator(String name) throws Exception {
    CoordinatorServer server =
        CoordinatorServer.start(
            new CoordinatorServer.Settings(
                Listen.loopback(0), Optional.of(zookeeper.connectString()), folder.resolve(name)));
    server.awaitLeader(PATIENCE);
    return server;
  }

  private static GetLeaderResponse ask(HostPort coordinator) {
    ManagedChannel channel = Channels.open(coordinator, 4 << 20);
    try {
      return CoordinatorGrpc.newBlockingStub(channel)
          .withDeadlineAfter(5, TimeUnit.SECONDS)
          .getLeader(GetLeaderRequest.getDefaultInstance());
    } finally {
      channel.shutdownNow();
    }
  }

  /** Asks until the answer is about an epoch above the given one. */
  private static GetLeaderResponse askForNewer(HostPort coordinator, long epoch)
      throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      GetLeaderResponse answer = ask(coordinator);
      if (!answer.getLeader().isEmpty() && answer.getEpoch() > epoch) {
        return answer;
      }
      assertTrue(System.nanoTime() - deadline < 0, "no leader after epoch " + epoch);
      Thread.sleep(20);
    }
  }

  private static void awaitCoordinators(HostPort coordinator, int count)
      throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (ask(coordinator).getCoordinatorsCount() != count) {
      assertTrue(System.nanoTime() - deadline < 0, "expected " + count + " coordinators");
      Thread.sleep(20);
    }
  }

  @Test
  void leader_closed_isFollowedAtOnceByTheOther() throws Exception {
    CoordinatorServer first = coordinator("first");
    try (CoordinatorServer second = coordinator("second");
        LeaderFollower follower = new LeaderFollower(List.of(first.address()), PATIENCE)) {
      awaitCoordinators(first.address(), 2);
      assertEquals(first.address(), follower.leader(PATIENCE));
      long epoch = ask(first.address()).getEpoch();
      String queued = CoordinatorServerTest.submit(follower, folder, 2);
      try (StreamedWorker worker = StreamedWorker.attach(first.address(), "one", "a", 1)) {
        String running = CoordinatorServerTest.submit(follower, folder, 1);
        assertNotEquals(queued, running);
        long closed = System.nanoTime();
        first.close();
        // The follower was given the first alone: it learnt of the second.
        GetLeaderResponse now = askForNewer(second.address(), epoch);
        long millis = (System.nanoTime() - closed) / 1_000_000;
        System.out.println("failover after a close: " + millis + " ms");
        assertEquals(second.address().toString(), now.getLeader());
        assertEquals(Status.Code.UNAVAILABLE, worker.ended.get(5, TimeUnit.SECONDS).getCode());
        JobStatus kept =
            follower.call(stub -> stub.getJob(GetJobRequest.newBuilder().setJobId(queued).build()));
        assertEquals(JobState.JOB_STATE_QUEUED, kept.getState(), kept.getDetail());
        assertEquals(second.address(), follower.leader(PATIENCE));
        assertTrue(millis < 4_000, millis + " ms");
      }
    } finally {
      first.close();
    }
  }

  private static JobStatus status(LeaderFollower follower, String job) throws InterruptedException {
    return follower.call(stub -> stub.getJob(GetJobRequest.newBuilder().setJobId(job).build()));
  }

  private static JobStatus awaitCommitted(LeaderFollower follower, String job, long step)
      throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      JobStatus status = status(follower, job);
      if (status.getCommittedStep() >= step) {
        return status;
      }
      assertTrue(System.nanoTime() - deadline < 0, "step " + step + " not committed: " + status);
      Thread.sleep(20);
    }
  }

  @Test
  void runningJob_whenTheLeaderIsKilled_isTakenUpInTheSameView() throws Exception {
    try (CoordinatorProcess first =
        CoordinatorProcess.start(zookeeper.connectString(), folder.resolve("first"))) {
      long epoch = askForNewer(first.address, 0).getEpoch();
      try (CoordinatorServer second = coordinator("second");
          LeaderFollower follower =
              new LeaderFollower(List.of(first.address, second.address()), PATIENCE);
          StreamedWorker one = StreamedWorker.attach(first.address, "one", "a", 1);
          StreamedWorker two = StreamedWorker.attach(first.address, "two", "b", 1)) {
        String job = CoordinatorServerTest.submit(follower, folder, 2);
        one.installed();
        two.installed();
        one.step(2);
        two.step(2);
        assertEquals(epoch, awaitCommitted(follower, job, 2).getViewLeaderEpoch());
        long killed = System.nanoTime();
        first.kill();
        one.ended.get(5, TimeUnit.SECONDS);
        // Nobody leads, and steps go on.
        one.step(1);
        two.step(1);
        askForNewer(second.address(), epoch);
        one.attachTo(second.address());
        two.attachTo(second.address());
        one.step(1);
        two.step(1);
        JobStatus taken = awaitCommitted(follower, job, 4);
        assertEquals(1, taken.getView());
        assertEquals(epoch, taken.getViewLeaderEpoch());
        assertEquals(JobState.JOB_STATE_RUNNING, taken.getState());
        assertEquals("the job starts", taken.getViewCause());
        assertFalse(one.hasBeenTold() || two.hasBeenTold(), "a view was installed again");
        // A view change is possible again.
        try (StreamedWorker three = StreamedWorker.attach(second.address(), "three", "c", 1)) {
          assertEquals(3, three.installed().getMembersCount());
          long millis = (System.nanoTime() - killed) / 1_000_000;
          System.out.println("view change after a kill -9 of the leader: " + millis + " ms");
          assertTrue(millis < 8_000, millis + " ms");
          assertEquals(4, one.installed().getContinues().getStep());
        }
      }
    }
  }

  @Test
  void zooKeeperLost_endsTheTerm_andSubmissionsSayWhy() throws Exception {
    try (CoordinatorServer only = coordinator("only");
        LeaderFollower hasty = new LeaderFollower(List.of(only.address()), Duration.ofSeconds(1));
        StreamedWorker one = StreamedWorker.attach(only.address(), "one", "a", 1)) {
      CoordinatorServerTest.submit(hasty, folder, 1);
      one.installed();
      zookeeper.close();
      assertEquals(Status.Code.UNAVAILABLE, one.ended.get(10, TimeUnit.SECONDS).getCode());
      one.step(1);
      Exception refused =
          assertThrows(
              NoLeaderException.class, () -> CoordinatorServerTest.submit(hasty, folder, 2));
      String message = String.valueOf(refused.getMessage());
      assertTrue(message.contains("ZooKeeper cannot be reached"), message);
    }
  }

  @Test
  void submission_afterTheLeaderWasKilled_succeedsWithTheNext() throws Exception {
    try (CoordinatorProcess first =
            CoordinatorProcess.start(zookeeper.connectString(), folder.resolve("first"));
        LeaderFollower follower = new LeaderFollower(List.of(first.address), PATIENCE)) {
      askForNewer(first.address, 0);
      try (CoordinatorServer second = coordinator("second")) {
        long epoch = askForNewer(second.address(), 0).getEpoch();
        awaitCoordinators(first.address, 2);
        assertEquals(first.address, follower.leader(PATIENCE));
        long killed = System.nanoTime();
        first.kill();
        String job = CoordinatorServerTest.submit(follower, folder, 1);
        long millis = (System.nanoTime() - killed) / 1_000_000;
        System.out.println("submission after a kill -9 of the leader: " + millis + " ms");
        assertTrue(ask(second.address()).getEpoch() > epoch);
        try (StreamedWorker worker = StreamedWorker.attach(second.address(), "one", "a", 1)) {
          assertEquals(job, worker.enlist().getJobId());
          assertTrue(millis < 12_000, millis + " ms");
        }
      }
    }
  }

  @Test
  void pausedLeader_whenItComesBack_leadsNoMore() throws Exception {
    try (CoordinatorProcess first =
        CoordinatorProcess.start(zookeeper.connectString(), folder.resolve("first"))) {
      long epoch = askForNewer(first.address, 0).getEpoch();
      try (CoordinatorServer second = coordinator("second")) {
        first.signal("STOP");
        GetLeaderResponse now = askForNewer(second.address(), epoch);
        assertEquals(second.address().toString(), now.getLeader());
        first.signal("CONT");
        assertEquals(now.getEpoch(), askForNewer(first.address, epoch).getEpoch());
        ManagedChannel channel = Channels.open(first.address, 4 << 20);
        try {
          StatusRuntimeException refused =
              assertThrows(
                  StatusRuntimeException.class,
                  () ->
                      CoordinatorGrpc.newBlockingStub(channel)
                          .withDeadlineAfter(5, TimeUnit.SECONDS)
                          .listJobs(ListJobsRequest.getDefaultInstance()));
          assertEquals(Status.Code.FAILED_PRECONDITION, refused.getStatus().getCode());
          Metadata trailers = refused.getTrailers();
          assertEquals(
              second.address().toString(),
              trailers == null ? "" : trailers.get(LeaderFollower.LEADER));
        } finally {
          channel.shutdownNow();
        }
      }
    }
  }
}
