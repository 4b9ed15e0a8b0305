package io.pulmo.coordinator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.pulmo.node.Blobs;
import io.pulmo.node.LeaderFollower;
import io.pulmo.node.Listen;
import io.pulmo.proto.CancelJobRequest;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.GetJobRequest;
import io.pulmo.proto.Hello;
import io.pulmo.proto.JobFile;
import io.pulmo.proto.JobState;
import io.pulmo.proto.JobStatus;
import io.pulmo.proto.ListJobsRequest;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.StartRun;
import io.pulmo.proto.SubmitJobRequest;
import io.pulmo.proto.WorkerMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One coordinator with its embedded ZooKeeper, spoken to over gRPC. */
class CoordinatorServerTest {
  private final Path folder;
  private CoordinatorServer server;
  private LeaderFollower follower;

  CoordinatorServerTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void start() throws Exception {
    server =
        CoordinatorServer.start(
            new CoordinatorServer.Settings(
                Listen.loopback(0), Optional.empty(), folder.resolve("state")));
    assertEquals(server.address(), server.awaitLeader(Duration.ofSeconds(10)));
    follower = new LeaderFollower(List.of(server.address()), Duration.ofSeconds(10));
  }

  @AfterEach
  void stop() {
    follower.close();
    server.close();
  }

  static String submit(LeaderFollower follower, Path folder, int min)
      throws IOException, InterruptedException {
    Path list = Files.writeString(folder.resolve("list-" + min + ".txt"), "a.png 0\n");
    String sha256 = Blobs.put(follower, list);
    SubmitJobRequest request =
        SubmitJobRequest.newBuilder()
            .setJobYaml(
                "name: job-"
                    + UUID.randomUUID()
                    + "\ndata: {train: t.txt, validation: v.txt, images: images/}\n"
                    + "workers: {min: "
                    + min
                    + "}\n")
            .addFiles(JobFile.newBuilder().setName("t.txt").setSha256(sha256).setBytes(8))
            .addFiles(JobFile.newBuilder().setName("v.txt").setSha256(sha256).setBytes(8))
            .setIdempotencyKey(UUID.randomUUID().toString())
            .build();
    String id = follower.call(stub -> stub.submitJob(request)).getJobId();
    assertEquals(id, follower.call(stub -> stub.submitJob(request)).getJobId());
    return id;
  }

  private JobStatus status(String job) throws InterruptedException {
    return follower.call(stub -> stub.getJob(GetJobRequest.newBuilder().setJobId(job).build()));
  }

  /** The job's last status, as one who watches sees it. */
  private JobStatus watchToTheEnd(String job) throws InterruptedException {
    Iterator<JobStatus> watch =
        CoordinatorGrpc.newBlockingStub(follower.channel())
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .watchJob(GetJobRequest.newBuilder().setJobId(job).build());
    JobStatus last = watch.next();
    while (watch.hasNext()) {
      last = watch.next();
    }
    return last;
  }

  @Test
  void job_allMembersComplete_isCompletedWithItsBundle() throws Exception {
    String job = submit(follower, folder, 2);
    assertEquals(JobState.JOB_STATE_QUEUED, status(job).getState());
    try (StreamedWorker one = StreamedWorker.attach(server.address(), "one", "host", 4)) {
      assertEquals("waits for workers: 1 of 2", status(job).getDetail());
      try (StreamedWorker two = StreamedWorker.attach(server.address(), "two", "host", 4)) {
        StartRun first = one.started();
        StartRun second = two.started();
        assertEquals(List.of(0, 1), List.of(first.getRank(), second.getRank()));
        assertEquals(List.of(2, 2), List.of(first.getThreads(), second.getThreads()));
        assertEquals(first.getMembersList(), second.getMembersList());
        assertEquals(first.getLeaderEpoch(), second.getLeaderEpoch());
        assertTrue(first.getLeaderEpoch() > 0);
        assertEquals(2, first.getFilesCount());

        Path manifest = folder.resolve("manifest.json");
        byte[] bytes = new byte[3_000_001];
        new Random(1).nextBytes(bytes);
        Files.write(manifest, bytes);
        String sha256 = Blobs.put(follower, manifest);
        assertEquals(sha256, Blobs.put(follower, manifest));
        one.progress(first.getRun(), 9, 72);
        one.progress(first.getRun(), 10, 80);
        two.progress(second.getRun(), 10, 80);
        one.epoch(first.getRun(), 0);
        two.epoch(second.getRun(), 0);
        one.completed(first.getRun(), "d1", sha256);
        two.completed(second.getRun(), "d1", "");

        JobStatus end = watchToTheEnd(job);
        assertEquals(JobState.JOB_STATE_COMPLETED, end.getState(), end.getDetail());
        assertEquals(sha256, end.getBundleManifestSha256());
        assertEquals(10, end.getProgress().getStep());
        assertEquals(1, end.getEpochsCount());
        assertTrue(Double.isNaN(end.getEpochs(0).getAuc(1)));
        assertEquals(
            List.of("d1", "d1"),
            end.getMembersList().stream().map(member -> member.getStateDigest()).toList());
        assertEquals(80, end.getMembers(1).getSamplesComputed());
        Path back = folder.resolve("back/manifest.json");
        Blobs.get(follower, sha256, back);
        assertEquals(-1, Files.mismatch(manifest, back));
      }
    }
  }

  @Test
  void job_workerDies_failsAtOnceNamingIt() throws Exception {
    String job = submit(follower, folder, 2);
    try (StreamedWorker one = StreamedWorker.attach(server.address(), "one", "a", 2);
        StreamedWorker two = StreamedWorker.attach(server.address(), "two", "b", 2)) {
      one.started();
      two.started();
      long killed = System.nanoTime();
      two.die();
      assertTrue(one.stopped().getReason().contains("two (member " + two.id.substring(0, 8) + ")"));
      JobStatus end = watchToTheEnd(job);
      long millis = (System.nanoTime() - killed) / 1_000_000;
      assertEquals(JobState.JOB_STATE_FAILED, end.getState());
      assertTrue(end.getDetail().startsWith("worker two (member "), end.getDetail());
      assertTrue(end.getDetail().contains("was lost"), end.getDetail());
      assertTrue(millis < 5_000, millis + " ms");
    }
  }

  @Test
  void job_workerPauses_failsWithinTenSecondsNamingIt() throws Exception {
    String job = submit(follower, folder, 2);
    try (StreamedWorker one = StreamedWorker.attach(server.address(), "one", "a", 2);
        StreamedWorker two = StreamedWorker.attach(server.address(), "two", "b", 2)) {
      StartRun run = one.started();
      two.started();
      long paused = System.nanoTime();
      two.pause();
      // Its neighbour sees only that something is amiss.
      one.failed(run.getRun(), "the ring stands still");
      JobStatus end = watchToTheEnd(job);
      long millis = (System.nanoTime() - paused) / 1_000_000;
      assertTrue(end.getDetail().startsWith("worker two (member "), end.getDetail());
      assertTrue(end.getDetail().contains("no heartbeat for 2."), end.getDetail());
      assertTrue(millis < 10_000, millis + " ms");
      assertTrue(one.heartbeats.get() >= 2, one.heartbeats + " heartbeats in " + millis + " ms");
      assertEquals(Status.Code.UNAVAILABLE, two.ended.get(5, TimeUnit.SECONDS).getCode());
    }
  }

  @Test
  void job_cancelled_stopsItsWorkersAndTheNextStarts() throws Exception {
    String job = submit(follower, folder, 1);
    String next = submit(follower, folder, 1);
    assertNotEquals(job, next);
    try (StreamedWorker one = StreamedWorker.attach(server.address(), "one", "a", 2)) {
      assertEquals(job, one.started().getRun().getJobId());
      assertEquals("waits for job " + job, status(next).getDetail());
      JobStatus cancelled =
          follower.call(
              stub -> stub.cancelJob(CancelJobRequest.newBuilder().setJobId(job).build()));
      assertEquals(JobState.JOB_STATE_CANCELLED, cancelled.getState());
      assertEquals(job, one.stopped().getRun().getJobId());
      assertEquals(next, one.started().getRun().getJobId());
      List<JobStatus> list =
          follower.call(stub -> stub.listJobs(ListJobsRequest.getDefaultInstance())).getJobsList();
      assertEquals(List.of(next, job), list.stream().map(JobStatus::getJobId).toList());
    }
  }

  @Test
  void submission_ofUnknownKey_isRefusedNamingIt() {
    StatusRuntimeException refused =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                follower.call(
                    stub ->
                        stub.submitJob(
                            SubmitJobRequest.newBuilder().setJobYaml("epoch: 3").build())));
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.getStatus().getCode());
    assertTrue(
        String.valueOf(refused.getStatus().getDescription()).contains("did you mean 'epochs'?"));
  }

  @Test
  void submission_withoutItsFiles_isRefusedNamingTheFile() {
    StatusRuntimeException refused =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                follower.call(
                    stub ->
                        stub.submitJob(
                            SubmitJobRequest.newBuilder()
                                .setJobYaml(
                                    "data: {train: t.txt, validation: v.txt, images: images/}")
                                .build())));
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.getStatus().getCode());
    assertTrue(String.valueOf(refused.getStatus().getDescription()).contains("'t.txt'"));
  }

  @Test
  void unknownJobAndBlob_areNotFound() {
    StatusRuntimeException job =
        assertThrows(StatusRuntimeException.class, () -> status("nobody-222222"));
    assertEquals(Status.Code.NOT_FOUND, job.getStatus().getCode());
    Path into = folder.resolve("nothing");
    StatusRuntimeException blob =
        assertThrows(StatusRuntimeException.class, () -> Blobs.get(follower, "a".repeat(64), into));
    assertEquals(Status.Code.NOT_FOUND, blob.getStatus().getCode());
    assertFalse(Files.exists(into));
  }

  @Test
  void blob_withAnotherDigestThanAnnounced_isRefusedAndNotStored() throws Exception {
    var call = CoordinatorGrpc.newBlockingV2Stub(follower.channel()).putBlob();
    String wrong = "b".repeat(64);
    call.write(PutBlobRequest.newBuilder().setSha256(wrong).setTotalBytes(3).build());
    call.write(PutBlobRequest.newBuilder().setData(ByteString.copyFromUtf8("abc")).build());
    call.halfClose();
    Exception refused = assertThrows(Exception.class, call::read);
    assertEquals(Status.Code.INVALID_ARGUMENT, Status.fromThrowable(refused).getCode());
    try (var stored = Files.walk(folder.resolve("state/blobs"))) {
      assertEquals(0, stored.filter(Files::isRegularFile).count());
    }
  }

  @Test
  void worker_withUnusableHello_isToldWhichField() throws Exception {
    StatusRuntimeException refused =
        assertThrows(
            StatusRuntimeException.class,
            () -> {
              var call = CoordinatorGrpc.newBlockingV2Stub(follower.channel()).attach();
              call.write(
                  WorkerMessage.newBuilder()
                      .setHello(Hello.newBuilder().setMemberId("m").setName("n"))
                      .build());
              try {
                call.read();
              } catch (StatusException e) {
                throw new StatusRuntimeException(e.getStatus());
              }
            });
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.getStatus().getCode());
    assertTrue(String.valueOf(refused.getStatus().getDescription()).contains("ring_address"));
  }

  @Test
  void secondCoordinator_onAnEmbeddedZooKeeper_isRefused() {
    IOException refused =
        assertThrows(
            IOException.class,
            () ->
                CoordinatorServer.start(
                    new CoordinatorServer.Settings(
                        Listen.loopback(0),
                        Optional.of(server.zookeeper()),
                        folder.resolve("second"))));
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.contains("is embedded in the coordinator " + server.address()), message);
  }

  @Test
  void jobs_afterARestart_areStillThere() throws Exception {
    String job = submit(follower, folder, 3);
    server.close();
    server =
        CoordinatorServer.start(
            new CoordinatorServer.Settings(
                Listen.loopback(0), Optional.empty(), folder.resolve("state")));
    server.awaitLeader(Duration.ofSeconds(10));
    try (LeaderFollower again =
        new LeaderFollower(List.of(server.address()), Duration.ofSeconds(10))) {
      JobStatus status =
          again.call(stub -> stub.getJob(GetJobRequest.newBuilder().setJobId(job).build()));
      assertEquals(JobState.JOB_STATE_QUEUED, status.getState(), status.getDetail());
    }
  }
}
