package io.pulmo.worker;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.data.SyntheticRadiographs;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.network.Preset;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Safetensors;
import io.pulmo.model.weights.Tensor;
import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import io.pulmo.node.Listen;
import io.pulmo.proto.EpochReport;
import io.pulmo.proto.JobFile;
import io.pulmo.proto.RunCompleted;
import io.pulmo.proto.RunFailed;
import io.pulmo.proto.RunId;
import io.pulmo.proto.WorkerMessage;
import io.pulmo.worker.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class WorkerServerTest {
  private static final RunId RUN = RunId.newBuilder().setJobId("job-1").setView(1).build();

  // JUnit sets both folders.
  @SuppressWarnings("NullAway.Init")
  @TempDir
  static Path data;

  @SuppressWarnings("NullAway.Init")
  @TempDir
  Path states;

  private final FakeCoordinator leader;
  private final List<WorkerServer> workers = new ArrayList<>();

  WorkerServerTest() throws IOException {
    leader = new FakeCoordinator();
  }

  @BeforeAll
  static void draw() throws IOException {
    var unused =
        SyntheticRadiographs.generate(
            new SyntheticRadiographs.Settings(20, 7, 96, true), data, written -> {});
  }

  @BeforeEach
  void storeLists() throws IOException {
    for (JobFile file : files()) {
      leader.store(file.getSha256(), Files.readAllBytes(data.resolve(file.getName())));
    }
  }

  @AfterEach
  void stop() {
    workers.forEach(WorkerServer::close);
    leader.close();
  }

  @Test
  void run_twoWorkers_endWithTheSameStateAndABundle() throws Exception {
    List<FakeCoordinator.Attached> members = join(2);
    leader.start(members, RUN, yaml(2), files(), 1);

    EpochReport first = members.get(0).await(WorkerMessage::hasEpoch).getEpoch();
    assertEquals(first, members.get(1).await(WorkerMessage::hasEpoch).getEpoch());
    assertEquals(14, first.getAucCount());
    WorkerMessage progress = members.get(0).await(WorkerMessage::hasProgress);
    assertTrue(progress.getProgress().getStepsComputed() > 0, progress::toString);
    RunCompleted one = members.get(0).await(WorkerMessage::hasCompleted).getCompleted();
    RunCompleted two = members.get(1).await(WorkerMessage::hasCompleted).getCompleted();
    assertEquals(one.getStateDigest(), two.getStateDigest());
    assertEquals("", two.getBundleManifestSha256());

    Manifest manifest = Manifest.parse("manifest.json", leader.blob(one.getBundleManifestSha256()));
    assertEquals("from-a-test", manifest.name());
    for (FileEntry file : manifest.files()) {
      assertEquals(file.sha256(), Sha256.of(leader.blob(file.sha256())));
    }
    Checkpoint checkpoint = Checkpoint.readWeights(states.resolve("0/job-1"));
    assertEquals(Preset.SMALL, checkpoint.preset());
    assertEquals("2", checkpoint.metadata().get("epoch"));
    assertFalse(Files.exists(states.resolve("1/job-1/checkpoints")));
  }

  @Test
  void run_workerDies_theOtherNamesIt() throws Exception {
    List<FakeCoordinator.Attached> members = join(2);
    leader.start(members, RUN, yaml(1000), files(), 1);
    members.get(0).await(WorkerMessage::hasProgress);
    WorkerServer dying = worker(members.get(1));
    dying.close();
    workers.remove(dying);
    RunFailed failed = members.get(0).await(WorkerMessage::hasFailed).getFailed();
    assertEquals(members.get(1).hello().getMemberId(), failed.getCulpritMemberId());
    assertTrue(failed.getError().contains(members.get(1).hello().getName()), failed::getError);
    assertFalse(failed.getStopped());
  }

  @Test
  void run_stopped_saysSo() throws Exception {
    List<FakeCoordinator.Attached> members = join(1);
    leader.start(members, RUN, yaml(1000), files(), 1);
    members.get(0).await(WorkerMessage::hasProgress);
    leader.stop(members.get(0), RUN, "cancelled by the user");
    RunFailed failed = members.get(0).await(WorkerMessage::hasFailed).getFailed();
    assertTrue(failed.getStopped(), failed::toString);
    assertTrue(failed.getError().contains("cancelled by the user"), failed::getError);
  }

  @Test
  void run_stoppedInAnyPhase_isFollowedByTheNextAndLeavesNothing() throws Exception {
    FakeCoordinator.Attached member = join(1).getFirst();
    // In training, while the bundle is made, and at first before anything is heard of it.
    List<Predicate<WorkerMessage>> phases =
        List.of(WorkerMessage::hasProgress, WorkerMessage::hasEpoch);
    for (int view = 1; view <= phases.size() + 1; view++) {
      RunId run = RUN.toBuilder().setView(view).build();
      leader.start(List.of(member), run, yaml(1), files(), 1);
      if (view > 1) {
        awaitUnlessStopped(member, phases.get(view - 2));
      }
      leader.stop(member, run, "cancelled by the user");
    }
    RunId last = RUN.toBuilder().setView(phases.size() + 2).build();
    leader.start(List.of(member), last, yaml(1), files(), 1);
    awaitUnlessStopped(member, m -> m.hasCompleted() && m.getCompleted().getRun().equals(last));
    try (Stream<Path> left = Files.list(states.resolve("0/" + RUN.getJobId()))) {
      assertEquals(List.of("checkpoints"), left.map(p -> p.getFileName().toString()).toList());
    }
    assertEquals(
        List.of(),
        Thread.getAllStackTraces().keySet().stream()
            .map(Thread::getName)
            .filter(name -> name.startsWith("decode-") || name.equals("batch-loader"))
            .toList());
  }

  @Test
  void run_stoppedWhileAPeerIsMissing_saysSo() throws Exception {
    List<FakeCoordinator.Attached> members = join(2);
    // The second member is never told, so the first waits for it.
    leader.start(members.subList(0, 1), RUN, yaml(1000), files(), 1);
    members.get(0).await(WorkerMessage::hasProgress);
    RunId next = RUN.toBuilder().setView(2).build();
    leader.startOne(members, 0, next, yaml(1000), files(), 1);
    leader.stop(members.get(0), next, "no second member");
    RunFailed failed =
        members.get(0).await(m -> m.hasFailed() && m.getFailed().getRun().equals(next)).getFailed();
    assertTrue(failed.getStopped(), failed::toString);
  }

  @Test
  void run_imagesAreMissing_namesWorkerAndPath() throws Exception {
    Files.createDirectories(states.resolve("empty"));
    List<FakeCoordinator.Attached> members = new ArrayList<>();
    workers.add(start(Optional.of(states.resolve("empty")), 0));
    members.add(leader.awaitWorker());
    leader.start(members, RUN, yaml(1), files(), 1);
    RunFailed failed = members.get(0).await(WorkerMessage::hasFailed).getFailed();
    assertTrue(failed.getError().contains(workers.getFirst().name()), failed::getError);
    assertTrue(
        failed.getError().contains(states.resolve("empty/images").toString()), failed::getError);
    assertEquals("", failed.getCulpritMemberId());
  }

  @Test
  void run_checkpointCannotBeWritten_namesWorkerAndFolder() throws Exception {
    List<FakeCoordinator.Attached> members = join(1);
    // A file where the job's folder should be: nothing can be written below it.
    Files.writeString(states.resolve("0/" + RUN.getJobId()), "in the way");
    leader.start(members, RUN, yaml(1), files(), 1);
    RunFailed failed = members.get(0).await(WorkerMessage::hasFailed).getFailed();
    assertTrue(failed.getError().contains(workers.getFirst().name()), failed::getError);
    assertTrue(failed.getError().contains("make room in " + states.resolve("0")), failed::getError);
  }

  @Test
  void run_badList_isNamedAsTheSubmitterKnowsIt() throws Exception {
    List<FakeCoordinator.Attached> members = join(1);
    byte[] bad = "a.png 0 1\n".getBytes(StandardCharsets.UTF_8);
    leader.store(Sha256.of(bad), bad);
    List<JobFile> files = new ArrayList<>(files());
    files.set(0, JobFile.newBuilder().setName("train_list.txt").setSha256(Sha256.of(bad)).build());
    leader.start(members, RUN, yaml(1), files, 1);
    RunFailed failed = members.get(0).await(WorkerMessage::hasFailed).getFailed();
    assertTrue(failed.getError().startsWith("train_list.txt, line 1"), failed::getError);
  }

  @Test
  void run_initialWeights_areWhereItStarts() throws Exception {
    Weights weights = Initialization.random(Preset.SMALL.network(), 77);
    assertStartsFrom(weights.tensors(), weights.learned());
  }

  @Test
  void run_initialWeightsOfImageNet_startsFromThemWithADrawnHead() throws Exception {
    SequencedMap<String, Tensor> tensors =
        new LinkedHashMap<>(Initialization.random(Preset.SMALL.network(), 77).tensors());
    int inputs = Objects.requireNonNull(tensors.get("classifier.weight")).shape().getLast();
    tensors.put("classifier.weight", new Tensor(List.of(1000, inputs), new float[1000 * inputs]));
    tensors.put("classifier.bias", new Tensor(List.of(1000), new float[1000]));
    Path file = states.resolve("imagenet");
    Safetensors.write(file, tensors, Map.of());
    // The job's seed is 1.
    Weights expected = WeightsFile.readInitial(file, Preset.SMALL.network(), 1);
    assertStartsFrom(tensors, expected.learned());
  }

  /** Trains at a rate that moves nothing by more than a hair. */
  private void assertStartsFrom(SequencedMap<String, Tensor> tensors, float[] expected)
      throws Exception {
    Path init = states.resolve("init");
    Safetensors.write(init, tensors, Map.of());
    leader.store(Sha256.of(init), Files.readAllBytes(init));
    List<JobFile> files = new ArrayList<>(files());
    files.add(JobFile.newBuilder().setName("init.pth").setSha256(Sha256.of(init)).build());
    List<FakeCoordinator.Attached> members = join(1);
    String yaml = yaml(1) + "init: init.pth\noptimizer: {learningRate: 1.0e-12}\n";
    leader.start(members, RUN, yaml, files, 1);
    members.get(0).await(WorkerMessage::hasCompleted);
    Checkpoint checkpoint = Checkpoint.readWeights(states.resolve("0/job-1"));
    assertArrayEquals(expected, checkpoint.weights().learned(), 1e-9f);
  }

  @Test
  void run_ofAnOlderLeader_isRefused() throws Exception {
    leader.epoch(5);
    List<FakeCoordinator.Attached> members = join(1);
    leader.start(members, RUN, yaml(1), files(), 4);
    RunFailed failed = members.get(0).await(WorkerMessage::hasFailed).getFailed();
    assertTrue(failed.getError().contains("leader epoch 4"), failed::getError);
  }

  @Test
  void stream_ended_isOpenedAgainAndItsRunAbandoned() throws Exception {
    List<FakeCoordinator.Attached> members = join(1);
    String memberId = members.get(0).hello().getMemberId();
    leader.start(members, RUN, yaml(1000), files(), 1);
    members.get(0).await(WorkerMessage::hasProgress);
    members.get(0).end();
    FakeCoordinator.Attached again = leader.awaitWorker();
    assertEquals(memberId, again.hello().getMemberId());
    RunId next = RUN.toBuilder().setView(2).build();
    leader.start(List.of(again), next, yaml(1), files(), 1);
    RunCompleted completed = again.await(WorkerMessage::hasCompleted).getCompleted();
    assertEquals(next, completed.getRun());
    assertNotEquals("", completed.getBundleManifestSha256());
  }

  @Test
  void run_study_trainsOnTenCropsWithoutChance() throws Exception {
    List<FakeCoordinator.Attached> members = join(1);
    leader.start(members, RUN, yaml(1) + "recipe: study\n", files(), 1);
    String digest =
        members.get(0).await(WorkerMessage::hasCompleted).getCompleted().getStateDigest();
    RunId again = RUN.toBuilder().setView(2).build();
    leader.start(members, again, yaml(1) + "recipe: study\n", files(), 1);
    RunCompleted second =
        members
            .get(0)
            .await(m -> m.hasCompleted() && m.getCompleted().getRun().equals(again))
            .getCompleted();
    assertEquals(digest, second.getStateDigest());
  }

  @Test
  void stream_toAnOlderLeader_isLeft() throws Exception {
    leader.epoch(5);
    List<FakeCoordinator.Attached> members = join(1);
    leader.epoch(3);
    members.get(0).end();
    FakeCoordinator.Attached older = leader.awaitWorker();
    leader.epoch(6);
    FakeCoordinator.Attached newer = leader.awaitWorker();
    assertEquals(older.hello(), newer.hello());
  }

  @Test
  void stream_leaderFallsSilent_isOpenedAgain() throws Exception {
    List<FakeCoordinator.Attached> members = join(1);
    leader.fallSilent();
    assertEquals(members.get(0).hello(), leader.awaitWorker().hello());
  }

  /** Passes over the reports of runs that were stopped. */
  private static void awaitUnlessStopped(
      FakeCoordinator.Attached member, Predicate<WorkerMessage> wanted) throws Exception {
    WorkerMessage message;
    do {
      message = member.await(m -> m.hasFailed() || wanted.test(m));
      assertTrue(!message.hasFailed() || message.getFailed().getStopped(), message::toString);
    } while (message.hasFailed());
  }

  private List<FakeCoordinator.Attached> join(int count) throws Exception {
    List<FakeCoordinator.Attached> members = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      workers.add(start(Optional.of(data), i));
      members.add(leader.awaitWorker());
    }
    return members;
  }

  private WorkerServer start(Optional<Path> images, int number) throws IOException {
    return WorkerServer.start(
        new WorkerServer.Settings(
            List.of(leader.address()),
            images,
            states.resolve(Integer.toString(number)),
            Listen.loopback(0),
            ImageLimits.DEFAULTS));
  }

  private WorkerServer worker(FakeCoordinator.Attached member) {
    return workers.stream()
        .filter(w -> w.memberId().equals(member.hello().getMemberId()))
        .findFirst()
        .orElseThrow();
  }

  private static String yaml(int epochs) {
    return """
        name: from-a-test
        preset: small
        data: {train: train_list.txt, validation: val_list.txt, images: images/}
        batch: 8
        epochs: %d
        """
        .formatted(epochs);
  }

  private static List<JobFile> files() throws IOException {
    List<JobFile> files = new ArrayList<>();
    for (String name : List.of("train_list.txt", "val_list.txt")) {
      Path file = data.resolve(name);
      files.add(
          JobFile.newBuilder()
              .setName(name)
              .setSha256(Sha256.of(file))
              .setBytes(Files.size(file))
              .build());
    }
    return files;
  }
}
