package io.pulmo.worker;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.data.ImageManifest;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.SyntheticRadiographs;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.node.Listen;
import io.pulmo.proto.Enlist;
import io.pulmo.proto.JobFile;
import io.pulmo.proto.TrainingEnded;
import io.pulmo.proto.WorkerMessage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Workers that train by views, under a leader which is real but for its journal. */
@Timeout(180)
class WorkerServerTest {
  private static final String JOB = "job-1";
  private static final int BATCH = 8;
  private static final Pattern STEP =
      Pattern.compile(
          "\"kind\":\"step\",\"member\":\"([^\"]+)\",\"job\":\"job-1\",\"view\":(\\d+),\"step\":(\\d+),\"epoch\":(\\d+),\"from\":(\\d+),\"to\":(\\d+)");

  // JUnit sets both folders.
  @SuppressWarnings("NullAway.Init")
  @TempDir
  static Path data;

  @SuppressWarnings("NullAway.Init")
  @TempDir
  Path states;

  private final FakeCoordinator coordinator;
  private final List<WorkerServer> workers = new ArrayList<>();
  private final ByteArrayOutputStream events = new ByteArrayOutputStream();

  WorkerServerTest() throws IOException {
    coordinator = new FakeCoordinator();
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
      coordinator.store(file.getSha256(), Files.readAllBytes(data.resolve(file.getName())));
    }
  }

  @AfterEach
  void stop() {
    workers.forEach(WorkerServer::close);
    coordinator.close();
  }

  @Test
  void job_twoWorkers_endWithTheSameStateAndABundle() throws Exception {
    try (FakeLeader leader = new FakeLeader(coordinator, job(2), 2)) {
      start(0);
      start(1);
      awaitBundle(leader, 2);
      assertEquals(Set.of(0, 1), leader.ask(() -> Set.copyOf(leader.epochs.keySet())));
      assertEquals(14, leader.ask(() -> leader.epochs.get(0)).getAucCount());
      assertLedger(leader);
    }
  }

  @Test
  void job_workersDieAndJoin_countsEachSampleOnce() throws Exception {
    try (FakeLeader leader = new FakeLeader(coordinator, job(6), 1)) {
      start(0);
      leader.await(() -> leader.turns(1, 2), "one member steps");
      WorkerServer second = start(1);
      leader.await(() -> leader.turns(2, 2), "a joiner steps");
      start(2);
      leader.await(() -> leader.turns(3, 2), "another joiner steps");
      second.kill();
      workers.remove(second);
      leader.await(() -> leader.turns(2, 2), "those left step on");
      workers.getFirst().kill();
      workers.removeFirst();
      leader.await(() -> leader.turns(1, 2), "the last one steps on");
      start(3);
      awaitBundle(leader, 2);
      assertLedger(leader);
      assertEquals(List.of(), leader.ask(() -> List.copyOf(leader.failures)));
    }
  }

  @Test
  void job_leaderChanges_goesOnMeanwhileAndAfterwards() throws Exception {
    try (FakeLeader leader = new FakeLeader(coordinator, job(6), 2)) {
      start(0);
      start(1);
      leader.await(() -> leader.turns(2, 2), "the ring turns");
      leader.succeed();
      leader.await(() -> leader.turns(2, 2), "the ring turns under the next leader");
      assertEquals(1, leader.history().size());
      WorkerServer dying = workers.removeFirst();
      dying.kill();
      start(2);
      leader.await(() -> leader.turns(2, 2), "the next leader changes views");
      awaitBundle(leader, 2);
      assertLedger(leader);
    }
  }

  @Test
  void worker_leaves_isReleasedAndMissedByNobody() throws Exception {
    try (FakeLeader leader = new FakeLeader(coordinator, job(6), 1)) {
      start(0);
      WorkerServer leaving = start(1);
      leader.await(() -> leader.turns(2, 2), "the ring turns");
      leaving.leave();
      workers.remove(leaving);
      assertTrue(events().contains("\"kind\":\"left\",\"member\":\"" + leaving.memberId()));
      awaitBundle(leader, 1);
      assertLedger(leader);
      assertEquals(List.of(), leader.ask(() -> List.copyOf(leader.failures)));
    }
  }

  @Test
  void job_allDieInTheLastPhase_anotherExports() throws Exception {
    try (FakeLeader leader = new FakeLeader(coordinator, job(1), 2)) {
      start(0);
      start(1);
      leader.await(() -> !leader.ended.isEmpty(), "training ends");
      String first = leader.views().view().orElseThrow().seats().getFirst().memberId();
      WorkerServer exporting = worker(first);
      exporting.kill();
      workers.remove(exporting);
      start(2);
      leader.await(() -> leader.turns(2, 0), "a new view at the end");
      awaitBundle(leader, 2);
    }
  }

  @Test
  void job_allWorkersAreLost_goesOnFromTheCheckpoint() throws Exception {
    try (FakeLeader leader = new FakeLeader(coordinator, job(6), 2)) {
      start(0);
      start(1);
      leader.await(() -> leader.views().published().size() >= 2, "two checkpoints are published");
      workers.forEach(WorkerServer::kill);
      workers.clear();
      start(0);
      start(1);
      awaitBundle(leader, 2);
      assertLedger(leader);
      assertTrue(events().contains("\"kind\":\"restore\""), this::events);
      assertEquals(List.of(), leader.ask(() -> List.copyOf(leader.failures)));
    }
  }

  @Test
  void job_aWorkerLacksTheCheckpoint_fetchesItFromThatWhichHasIt() throws Exception {
    try (FakeLeader leader = new FakeLeader(coordinator, job(6), 2)) {
      WorkerServer first = start(0);
      WorkerServer second = start(1);
      leader.await(() -> leader.views().published().size() >= 2, "two checkpoints are published");
      first.kill();
      second.kill();
      workers.clear();
      start(0);
      start(2);
      awaitBundle(leader, 2);
      assertLedger(leader);
    }
  }

  @Test
  void worker_restartedOnItsFolder_namesWhomItReplaces() throws Exception {
    WorkerServer first = start(0);
    coordinator.awaitWorker();
    first.close();
    workers.remove(first);
    WorkerServer second = start(0);
    FakeCoordinator.Attached again = coordinator.awaitWorker();
    assertEquals(first.memberId(), again.hello().getReplacesMemberId());
    assertNotEquals(first.memberId(), second.memberId());
    assertEquals(1, again.hello().getProtocolVersion());
    assertTrue(again.hello().getMemoryBytes() > 1 << 20, again.hello()::toString);
  }

  @Test
  void enlist_someImagesAreMissing_tellsWhichItHolds() throws Exception {
    List<String> names =
        ImageManifest.names(
            LabelList.read(data.resolve("train_list.txt")),
            LabelList.read(data.resolve("val_list.txt")));
    workers.add(start(Optional.of(part("third", names, 3)), 0));
    FakeCoordinator.Attached member = coordinator.awaitWorker();
    member.send(job(1));
    byte[] told = member.await(WorkerMessage::hasEnlisted).getEnlisted().getImages().toByteArray();
    ImageManifest manifest = ImageManifest.decodeShort(told, names.size());
    for (int i = 0; i < names.size(); i++) {
      assertEquals(i % 3 == 0, manifest.holds(i), names.get(i));
      if (manifest.holds(i)) {
        byte[] image = Files.readAllBytes(data.resolve("images").resolve(names.get(i)));
        assertEquals(Sha256.of(image).substring(0, 16), manifest.sha256(i));
      }
    }
  }

  @Test
  void job_workersWithDisjointImages_trainOnAllOfThem() throws Exception {
    List<String> names =
        ImageManifest.names(
            LabelList.read(data.resolve("train_list.txt")),
            LabelList.read(data.resolve("val_list.txt")));
    Path even = part("even", names, 2);
    Path odd = Files.createDirectories(states.resolve("odd/images"));
    for (String name : names) {
      if (!Files.exists(even.resolve("images").resolve(name))) {
        Files.copy(data.resolve("images").resolve(name), odd.resolve(name));
      }
    }
    try (FakeLeader leader = new FakeLeader(coordinator, job(2), 2)) {
      workers.add(start(Optional.of(even), 0));
      workers.add(start(Optional.of(states.resolve("odd")), 1));
      awaitBundle(leader, 2);
      assertLedger(leader);
      assertEquals(List.of(), leader.ask(() -> List.copyOf(leader.failures)));
      Set<String> pulled = new HashSet<>();
      for (int i = 0; i < 2; i++) {
        try (Stream<Path> files = Files.list(states.resolve(i + "/pulled-images/job-1"))) {
          files.forEach(file -> pulled.add(String.valueOf(file.getFileName())));
        }
      }
      assertTrue(pulled.size() > names.size() / 2, () -> pulled.size() + " of " + names.size());
    }
  }

  /** A folder with each n-th image. */
  private Path part(String name, List<String> names, int each) throws IOException {
    Path images = Files.createDirectories(states.resolve(name).resolve("images"));
    for (int i = 0; i < names.size(); i += each) {
      Files.copy(data.resolve("images").resolve(names.get(i)), images.resolve(names.get(i)));
    }
    return states.resolve(name);
  }

  @Test
  void enlist_badList_isNamedAsTheSubmitterKnowsIt() throws Exception {
    start(0);
    FakeCoordinator.Attached member = coordinator.awaitWorker();
    byte[] bad = "a.png 0 1\n".getBytes(StandardCharsets.UTF_8);
    coordinator.store(Sha256.of(bad), bad);
    member.send(
        job(1).toBuilder()
            .setFiles(0, JobFile.newBuilder().setName("train_list.txt").setSha256(Sha256.of(bad)))
            .build());
    var failed = member.await(WorkerMessage::hasJobFailed).getJobFailed();
    assertTrue(failed.getError().startsWith("train_list.txt, line 1"), failed::getError);
    assertEquals(false, failed.getMineAlone());
  }

  @Test
  void stream_ofAnOlderLeader_isLeft() throws Exception {
    coordinator.epoch(5);
    start(0);
    FakeCoordinator.Attached member = coordinator.awaitWorker();
    coordinator.epoch(3);
    member.end();
    FakeCoordinator.Attached older = coordinator.awaitWorker();
    coordinator.epoch(6);
    FakeCoordinator.Attached newer = coordinator.awaitWorker();
    assertEquals(older.hello(), newer.hello());
  }

  @Test
  void stream_leaderFallsSilent_isOpenedAgain() throws Exception {
    start(0);
    FakeCoordinator.Attached member = coordinator.awaitWorker();
    coordinator.fallSilent();
    assertEquals(member.hello(), coordinator.awaitWorker().hello());
  }

  /** Waits until every member of the current view has ended in one state and a bundle is there. */
  private void awaitBundle(FakeLeader leader, int members) throws Exception {
    leader.await(
        () -> {
          List<Seat> seats = leader.views().view().map(View::seats).orElse(List.of());
          return seats.size() == members
              && seats.stream().allMatch(s -> leader.ended.containsKey(s.memberId()))
              && !leader.ended(seats.getFirst().memberId()).getBundleManifestSha256().isEmpty();
        },
        members + " members end, with a bundle");
    List<Seat> seats = leader.ask(() -> leader.views().view().orElseThrow().seats());
    TrainingEnded first = leader.ask(() -> leader.ended(seats.getFirst().memberId()));
    for (Seat seat : seats) {
      assertEquals(
          first.getHolding(), leader.ask(() -> leader.ended(seat.memberId())).getHolding());
    }
    Manifest manifest =
        Manifest.parse("manifest.json", coordinator.blob(first.getBundleManifestSha256()));
    assertEquals("from-a-test", manifest.name());
    for (FileEntry file : manifest.files()) {
      assertEquals(file.sha256(), Sha256.of(coordinator.blob(file.sha256())));
    }
    leader.ask(
        () -> {
          leader.digests.forEach(
              (label, said) ->
                  assertEquals(1, new HashSet<>(said.values()).size(), () -> label + ": " + said));
          return true;
        });
  }

  private record Step(String member, long view, long step) {}

  private record Ranges(int epoch, int from, int to) {}

  /** Each sample counts once in each epoch, along the views that the record continues. */
  private void assertLedger(FakeLeader leader) throws Exception {
    Map<Step, Ranges> done = new HashMap<>();
    Matcher matcher = STEP.matcher(events());
    while (matcher.find()) {
      done.put(
          new Step(
              matcher.group(1), Long.parseLong(matcher.group(2)), Long.parseLong(matcher.group(3))),
          new Ranges(
              Integer.parseInt(matcher.group(4)),
              Integer.parseInt(matcher.group(5)),
              Integer.parseInt(matcher.group(6))));
    }
    int samples = LabelList.read(data.resolve("train_list.txt")).size();
    Sampler sampler = new Sampler(samples, BATCH, 1);
    List<View> views = leader.history();
    Map<Integer, int[]> counts = new HashMap<>();
    for (int i = 0; i < views.size(); i++) {
      View view = views.get(i);
      // A view that was restored gives up what views before it had done since the checkpoint.
      long last =
          views.subList(i + 1, views.size()).stream()
              .mapToLong(later -> later.continues().step())
              .min()
              .orElse(lastStep(done, view.id()));
      List<Integer> shares = view.seats().stream().map(Seat::share).toList();
      for (long step = view.continues().step() + 1; step <= last; step++) {
        int epoch = (int) ((step - 1) / sampler.stepsPerEpoch());
        int inEpoch = (int) ((step - 1) % sampler.stepsPerEpoch());
        int told = 0;
        for (int rank = 0; rank < shares.size(); rank++) {
          Sampler.Range mine = Sampler.part(sampler.batchOf(inEpoch), shares, rank);
          Ranges said = done.get(new Step(view.seats().get(rank).memberId(), view.id(), step));
          if (said != null) {
            told++;
            assertEquals(new Ranges(epoch, mine.from(), mine.to()), said);
          }
          for (int at = mine.from(); at < mine.to(); at++) {
            counts.computeIfAbsent(epoch, e -> new int[samples])[at]++;
          }
        }
        assertTrue(told > 0, "nobody took " + new Label(view.id(), step));
      }
    }
    int[] once = new int[samples];
    java.util.Arrays.fill(once, 1);
    counts.forEach((epoch, count) -> assertArrayEquals(once, count, "epoch " + epoch));
    assertEquals(leader.ask(() -> leader.epochs.size()), counts.size());
  }

  private static long lastStep(Map<Step, Ranges> done, long view) {
    return done.keySet().stream().filter(s -> s.view == view).mapToLong(Step::step).max().orElse(0);
  }

  private String events() {
    synchronized (events) {
      return events.toString(StandardCharsets.UTF_8);
    }
  }

  private WorkerServer start(int number) throws IOException {
    WorkerServer worker = start(Optional.of(data), number);
    workers.add(worker);
    return worker;
  }

  private WorkerServer start(Optional<Path> images, int number) throws IOException {
    return WorkerServer.start(
        new WorkerServer.Settings(
            List.of(coordinator.address()),
            images,
            states.resolve(Integer.toString(number)),
            Listen.loopback(0),
            ImageLimits.DEFAULTS,
            Optional.of(new PrintStream(events, true, StandardCharsets.UTF_8))));
  }

  private WorkerServer worker(String memberId) {
    return workers.stream().filter(w -> w.memberId().equals(memberId)).findFirst().orElseThrow();
  }

  private static Enlist job(int epochs) throws IOException {
    return Enlist.newBuilder()
        .setJobId(JOB)
        .setLeaderEpoch(1)
        .setJobYaml(
            """
            name: from-a-test
            preset: small
            data: {train: train_list.txt, validation: val_list.txt, images: images/}
            batch: %d
            epochs: %d
            checkpoint: {everySteps: 3, keep: 2}
            export: {calibrationSamples: 0}
            """
                .formatted(BATCH, epochs))
        .addAllFiles(files())
        .build();
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
