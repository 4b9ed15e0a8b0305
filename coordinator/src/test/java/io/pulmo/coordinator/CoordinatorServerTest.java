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
import io.pulmo.coordinator.membership.ProtocolVersion;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.network.Preset;
import io.pulmo.node.Blobs;
import io.pulmo.node.LeaderFollower;
import io.pulmo.node.Listen;
import io.pulmo.proto.CancelJobRequest;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.GetJobRequest;
import io.pulmo.proto.Hello;
import io.pulmo.proto.Install;
import io.pulmo.proto.JobFile;
import io.pulmo.proto.JobState;
import io.pulmo.proto.JobStatus;
import io.pulmo.proto.ListJobsRequest;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.SubmitJobRequest;
import io.pulmo.proto.WorkerMessage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
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

  /** Stores a bundle of one file and gives its manifest's SHA-256. */
  private String storeBundle() throws Exception {
    Path weights = folder.resolve("weights");
    byte[] bytes = new byte[3_000_001];
    new Random(1).nextBytes(bytes);
    Files.write(weights, bytes);
    FileEntry file = new FileEntry("weights", bytes.length, Blobs.put(follower, weights));
    Manifest manifest =
        new Manifest(
            Manifest.FORMAT,
            "first",
            1,
            "2026-01-31T12:00:00Z",
            Preset.SMALL.network(),
            Preprocessing.imageNet(64, 56),
            Manifest.LABELS,
            List.of(file),
            Map.of());
    return Blobs.put(follower, Files.write(folder.resolve("manifest.json"), manifest.json()));
  }

  @Test
  void job_allMembersEnd_isCompletedWithItsBundle() throws Exception {
    String job = submit(follower, folder, 2);
    assertEquals(JobState.JOB_STATE_QUEUED, status(job).getState());
    try (StreamedWorker one = StreamedWorker.attach(server.address(), "one", "host", 4)) {
      assertEquals("waits for workers: 1 of 2", status(job).getDetail());
      try (StreamedWorker two = StreamedWorker.attach(server.address(), "two", "host", 4)) {
        assertEquals(2, one.enlist().getFilesCount());
        assertEquals(job, two.enlist().getJobId());
        Install first = one.installed();
        Install second = two.installed();
        assertEquals(first.getMembersList(), second.getMembersList());
        assertEquals(
            List.of(2, 2), first.getMembersList().stream().map(it -> it.getThreads()).toList());
        assertTrue(first.getLeaderEpoch() > 0);
        String manifest = storeBundle();
        one.step(10);
        two.step(10);
        one.epoch(0);
        two.epoch(0);
        one.end("");
        two.end("");
        one.end(manifest);

        JobStatus end = watchToTheEnd(job);
        assertEquals(JobState.JOB_STATE_COMPLETED, end.getState(), end.getDetail());
        assertEquals(manifest, end.getBundleManifestSha256());
        assertEquals(10, end.getProgress().getStep());
        assertEquals(10, end.getCommittedStep());
        assertEquals(1, end.getView());
        assertEquals(first.getLeaderEpoch(), end.getViewLeaderEpoch());
        assertEquals(1, end.getEpochsCount());
        assertTrue(Double.isNaN(end.getEpochs(0).getAuc(1)));
        assertEquals(
            List.of("d10", "d10"),
            end.getMembersList().stream().map(member -> member.getStateDigest()).toList());
        assertEquals(80, end.getMembers(1).getSamplesComputed());
        assertEquals(100, end.getMembers(1).getSamplesPerSecond(), 1e-9);
        assertEquals(job, one.discharged().getJobId());
        Path back = folder.resolve("back/manifest.json");
        Blobs.get(follower, manifest, back);
        assertEquals(-1, Files.mismatch(folder.resolve("manifest.json"), back));
      }
    }
  }

  @Test
  void job_workerDies_goesOnWithoutIt() throws Exception {
    String job = submit(follower, folder, 1);
    try (StreamedWorker one = StreamedWorker.attach(server.address(), "one", "a", 2)) {
      one.installed();
      try (StreamedWorker two = StreamedWorker.attach(server.address(), "two", "b", 2)) {
        two.installed();
        assertEquals(2, one.installed().getMembersCount());
        one.step(2);
        long killed = System.nanoTime();
        two.die();
        Install without = one.installed();
        long millis = (System.nanoTime() - killed) / 1_000_000;
        assertEquals(1, without.getMembersCount());
        assertEquals(2, without.getContinues().getStep());
        JobStatus status = status(job);
        assertEquals(JobState.JOB_STATE_RUNNING, status.getState());
        assertTrue(status.getViewCause().contains("two is lost"), status.getViewCause());
        assertTrue(millis < 2_000, millis + " ms");
      }
    }
  }

  @Test
  void job_workerPauses_goesOnWithoutItWithinFiveSeconds() throws Exception {
    String job = submit(follower, folder, 1);
    try (StreamedWorker one = StreamedWorker.attach(server.address(), "one", "a", 2)) {
      one.installed();
      try (StreamedWorker two = StreamedWorker.attach(server.address(), "two", "b", 2)) {
        two.installed();
        one.installed();
        long paused = System.nanoTime();
        two.pause();
        assertEquals(1, one.installed().getMembersCount());
        long millis = (System.nanoTime() - paused) / 1_000_000;
        String cause = status(job).getViewCause();
        assertTrue(cause.contains("no heartbeat for 2."), cause);
        assertTrue(millis < 5_000, millis + " ms");
        assertTrue(one.heartbeats.get() >= 2, one.heartbeats + " heartbeats in " + millis + " ms");
        assertEquals(Status.Code.UNAVAILABLE, two.ended.get(5, TimeUnit.SECONDS).getCode());
      }
    }
  }

  @Test
  void job_cancelled_sendsItsWorkersHomeAndTheNextStarts() throws Exception {
    String job = submit(follower, folder, 1);
    String next = submit(follower, folder, 1);
    assertNotEquals(job, next);
    try (StreamedWorker one = StreamedWorker.attach(server.address(), "one", "a", 2)) {
      assertEquals(job, one.enlist().getJobId());
      assertEquals("waits for job " + job, status(next).getDetail());
      JobStatus cancelled =
          follower.call(
              stub -> stub.cancelJob(CancelJobRequest.newBuilder().setJobId(job).build()));
      assertEquals(JobState.JOB_STATE_CANCELLED, cancelled.getState());
      assertEquals(job, one.discharged().getJobId());
      assertEquals(next, one.enlist().getJobId());
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

  /** What becomes of a control stream that begins so. */
  private Status greeting(Hello.Builder hello) throws Exception {
    var call = CoordinatorGrpc.newBlockingV2Stub(follower.channel()).attach();
    call.write(
        WorkerMessage.newBuilder()
            .setHello(
                hello
                    .setMemberId(UUID.randomUUID().toString())
                    .setName("n")
                    .setHostId("h")
                    .setCores(1)
                    .setDevice("cpu")
                    .setVersion("0.0.9"))
            .build());
    try {
      call.read(10, TimeUnit.SECONDS);
      return Status.OK;
    } catch (StatusException e) {
      return e.getStatus();
    } finally {
      call.cancel("enough", null);
    }
  }

  @Test
  void worker_withUnusableHello_isToldWhichField() throws Exception {
    Status refused = greeting(Hello.newBuilder().setProtocolVersion(ProtocolVersion.NEWEST));
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.getCode());
    assertTrue(String.valueOf(refused.getDescription()).contains("ring_address"));
  }

  @Test
  void worker_ofAnotherProtocol_isRefusedNamingBothSides() throws Exception {
    for (int version : List.of(0, ProtocolVersion.NEWEST + 1)) {
      Status refused =
          greeting(Hello.newBuilder().setProtocolVersion(version).setRingAddress("127.0.0.1:7777"));
      assertEquals(Status.Code.FAILED_PRECONDITION, refused.getCode());
      String words = String.valueOf(refused.getDescription());
      assertTrue(
          words.startsWith(
              "the worker speaks version "
                  + version
                  + " of the protocol (Pulmo 0.0.9), this coordinator version "
                  + ProtocolVersion.NEWEST),
          words);
    }
  }

  @Test
  void worker_thatIsNotReachedWhereItSays_isRefusedNamingTheAddress() throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closed = socket.getLocalPort();
    }
    for (String address : List.of("127.0.0.1:" + closed, "no-such-host.invalid:7777")) {
      Status refused =
          greeting(
              Hello.newBuilder()
                  .setProtocolVersion(ProtocolVersion.NEWEST)
                  .setRingAddress(address));
      assertEquals(Status.Code.FAILED_PRECONDITION, refused.getCode());
      String words = String.valueOf(refused.getDescription());
      assertTrue(words.startsWith("the worker says that it is reached at " + address), words);
      assertTrue(words.contains("--advertise HOST"), words);
    }
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
