package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.data.ImageManifest;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.Seat;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The running job: its workers come, go, fail and lag, and its leader changes. */
class TrainingTest {
  private static final Duration MOMENT = Duration.ofMillis(500);

  private final Cluster cluster = new Cluster();

  private JobRecord status(String job) {
    return cluster.jobs.get(job);
  }

  private List<String> members(String job) {
    return status(job).members().stream().map(JobRecord.Participant::id).toList();
  }

  private void report(FakeWorker worker, WorkerReport report) {
    cluster.jobs.report(worker.member, report);
    cluster.settle();
  }

  @Test
  void firstView_waitsForAllThatMakeReady_butNotForEver() {
    FakeWorker slow = new FakeWorker("slow", cluster.members.join(FakeWorker.member("slow")));
    slow.preparesAtOnce = false;
    cluster.workers.put("slow", slow);
    cluster.jobs.joined(slow.member, slow, "");
    cluster.join("quick");
    String job = cluster.submit("");
    cluster.pass(Duration.ofSeconds(4));
    assertEquals(0, status(job).view());
    assertEquals("1 worker makes ready", status(job).detail());
    cluster.pass(Duration.ofSeconds(2));
    assertEquals(List.of("quick"), members(job));
    slow.enlisted(job, it -> report(slow, it));
    cluster.pass(MOMENT);
    assertEquals(List.of("quick", "slow"), members(job));
    assertEquals("worker-slow joins", status(job).viewCause());
  }

  @Test
  void job_takesNoMoreWorkersThanItMay_andAnotherWhenOneIsLost() {
    FakeWorker a = cluster.join("a");
    cluster.join("b");
    FakeWorker c = cluster.join("c");
    String job = cluster.submit("batch: 2");
    cluster.pass(MOMENT);
    assertEquals(List.of("a", "b"), members(job));
    assertEquals(List.of(), c.told);
    cluster.lose(a, "the control stream broke off");
    cluster.pass(MOMENT);
    assertEquals(List.of("b", "c"), members(job));
    assertTrue(c.told(Order.Copy.class).size() == 1, "copies the state: " + c.told);
  }

  @Test
  void worker_lost_isLeftBehindWithTheCauseNamed_andNoStepIsLost() {
    cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    cluster.steps(job, 3);
    assertEquals(3, status(job).committedStep());
    cluster.lose(b, "no heartbeat for 2.0 s: paused or cut off");
    cluster.pass(MOMENT);
    assertEquals(JobState.RUNNING, status(job).state());
    assertEquals(List.of("a"), members(job));
    assertTrue(status(job).viewCause().contains("no heartbeat for 2.0 s"), status(job).viewCause());
    cluster.steps(job, 1);
    assertEquals(4, status(job).committedStep());
    assertEquals(2, cluster.jobs.views(job).size());
  }

  @Test
  void tooFewWorkers_keepTheJobRunning_sayingForWhomItWaits() {
    cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("workers: {min: 2}");
    cluster.pass(MOMENT);
    cluster.steps(job, 1);
    cluster.lose(b, "gone");
    cluster.pass(MOMENT);
    assertEquals("", status(job).detail());
    cluster.pass(Duration.ofSeconds(1));
    assertEquals(JobState.RUNNING, status(job).state());
    assertEquals("waits for workers: 1 of 2", status(job).detail());
    cluster.join("c");
    cluster.pass(MOMENT);
    assertEquals(List.of("a", "c"), members(job));
    cluster.steps(job, 1);
    assertEquals(2, status(job).committedStep());
  }

  @Test
  void newLeader_whenAllComeBack_goesOnInTheSameView() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    cluster.steps(job, 2);
    cluster.newLeader();
    cluster.steps(job, 1);
    cluster.attach(a, job);
    cluster.pass(MOMENT);
    cluster.attach(b, job);
    cluster.pass(Duration.ofSeconds(6));
    assertEquals(1, status(job).view());
    assertEquals(1, status(job).viewLeaderEpoch());
    assertEquals("the job starts", status(job).viewCause());
    cluster.steps(job, 1);
    assertEquals(4, status(job).committedStep());
    assertEquals("", status(job).detail());
  }

  @Test
  void newLeader_whenOneStaysAway_makesAViewWithoutItAfterTheGrace() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    cluster.steps(job, 2);
    cluster.newLeader();
    cluster.workers.remove("b");
    cluster.attach(a, job);
    cluster.pass(Training.ATTACH_GRACE.minusMillis(500));
    assertEquals(1, status(job).view());
    cluster.pass(Duration.ofSeconds(2));
    assertEquals(List.of("a"), members(job));
    assertEquals(2, status(job).viewLeaderEpoch());
    assertFalse(b.isIn(2));
  }

  @Test
  void newLeader_keepsSeatsForThoseOfTheView_whenOthersComeFirst() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("batch: 2");
    FakeWorker spare = cluster.join("c");
    cluster.pass(MOMENT);
    cluster.newLeader();
    cluster.members.join(spare.member);
    cluster.jobs.joined(spare.member, spare, "");
    cluster.attach(a, job);
    cluster.attach(b, job);
    cluster.pass(MOMENT);
    assertEquals(List.of(), spare.told);
    assertEquals(List.of("a", "b"), members(job));
  }

  @Test
  void leader_ofWhoseSuccessorAMemberHasHeard_stepsDown() {
    FakeWorker a = cluster.join("a");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    WorkerReport refused =
        new WorkerReport.Refused(job, 1, new Answer.Refused(9, 1, "a newer leader"));
    JournalException over =
        assertThrows(JournalException.class, () -> cluster.jobs.report(a.member, refused));
    assertTrue(String.valueOf(over.getMessage()).contains("epoch 9"), over.getMessage());
  }

  @Test
  void job_thatCannotSucceed_failsNamingTheWorker() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    report(b, new WorkerReport.Failed(job, "the loss is NaN at step 3", false));
    assertEquals(JobState.FAILED, status(job).state());
    assertEquals("worker worker-b (member b): the loss is NaN at step 3", status(job).detail());
    assertEquals(1, a.told(Order.Discharge.class).size());
  }

  @Test
  void worker_thatCannotTakePart_isLeftOutAndNamed() {
    cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    report(b, new WorkerReport.Failed(job, "no space left on device", true));
    cluster.pass(MOMENT);
    assertEquals(List.of("a"), members(job));
    assertEquals(
        "worker-b (member b) does not take part: no space left on device", status(job).detail());
    assertEquals(1, b.told(Order.Discharge.class).size());
    assertEquals(1, b.told(Order.Enlist.class).size());
  }

  @Test
  void job_thatEachWorkerHasRefused_failsAtTheStart_andLaterAfterThePatience() {
    FakeWorker a = cluster.join("a");
    a.preparesAtOnce = false;
    String first = cluster.submit("");
    report(a, new WorkerReport.Failed(first, "no network of that kind", true));
    cluster.pass(MOMENT);
    assertEquals(JobState.FAILED, status(first).state());
    assertEquals(
        "no worker can take part: worker-a (member a): no network of that kind",
        status(first).detail());

    a.preparesAtOnce = true;
    String second = cluster.submit("");
    cluster.pass(MOMENT);
    cluster.steps(second, 1);
    report(a, new WorkerReport.Failed(second, "out of memory", true));
    cluster.pass(Cluster.PATIENCE.minusSeconds(1));
    assertEquals(JobState.RUNNING, status(second).state());
    cluster.pass(Duration.ofSeconds(2));
    assertEquals(JobState.FAILED, status(second).state());
  }

  @Test
  void worker_thatLeaves_isReleasedOnceAViewWithoutItIsThere() {
    cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    cluster.jobs.leaving(b.member);
    assertEquals(List.of(), b.told(Order.Released.class));
    cluster.settle();
    cluster.pass(MOMENT);
    assertEquals(List.of("a"), members(job));
    assertEquals(1, b.told(Order.Released.class).size());
    assertEquals("worker-b leaves", status(job).viewCause());
  }

  @Test
  void worker_thatLeavesWithoutAJob_isReleasedAtOnceAndCountsNoMore() {
    FakeWorker a = cluster.join("a");
    cluster.jobs.leaving(a.member);
    assertEquals(List.of(new Order.Released()), a.told);
    String job = cluster.submit("");
    assertEquals("waits for workers: 0 of 1", status(job).detail());
  }

  @Test
  void end_withDifferentStates_makesAViewOfTheMajority() {
    cluster.join("a");
    FakeWorker b = cluster.join("b");
    cluster.join("c");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    cluster.steps(job, 2);
    b.digestWrong = "x";
    cluster.end(job, Cluster.BUNDLE);
    cluster.pass(MOMENT);
    assertEquals(JobState.RUNNING, status(job).state());
    assertEquals(List.of("a", "c"), members(job));
    assertTrue(status(job).viewCause().contains("differ"), status(job).viewCause());
    cluster.workers.remove("b");
    cluster.end(job, Cluster.BUNDLE);
    assertEquals(JobState.COMPLETED, status(job).state());
  }

  @Test
  void lossAtTheEnd_beforeTheBundleIsThere_hasAnotherExport() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    cluster.steps(job, 1);
    cluster.end(job, "");
    assertEquals(0, a.rank());
    cluster.lose(a, "the control stream broke off");
    cluster.pass(MOMENT);
    assertEquals(JobState.RUNNING, status(job).state());
    assertEquals(0, b.rank());
    cluster.end(job, Cluster.BUNDLE);
    assertEquals(JobState.COMPLETED, status(job).state());
  }

  @Test
  void bundle_whoseFilesDoNotCome_isMadeAgain_andFailsTheJobInTheEnd() {
    cluster.join("a");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    String missing = "c".repeat(64);
    for (int attempt = 1; attempt <= 3; attempt++) {
      assertEquals(attempt, status(job).view());
      cluster.end(job, missing);
      cluster.pass(Finish.FILES_PATIENCE.plus(Duration.ofSeconds(1)));
    }
    assertEquals(JobState.FAILED, status(job).state());
    assertTrue(status(job).detail().contains(missing), status(job).detail());
  }

  @Test
  void allWaitInTheRing_makesAViewRoundTheBrokenLink() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    long since = cluster.clock.nanos();
    a.pulse = new Pulse(job, 1, 0, Pulse.Activity.RING, "b", since);
    b.pulse = new Pulse(job, 1, 0, Pulse.Activity.COMPUTING, "", since);
    cluster.pass(Duration.ofSeconds(10));
    assertEquals(1, status(job).view());
    b.pulse = new Pulse(job, 1, 0, Pulse.Activity.RING, "a", cluster.clock.nanos());
    cluster.pass(Duration.ofSeconds(7));
    assertEquals(2, status(job).view());
    assertTrue(status(job).viewCause().contains("everybody waits"), status(job).viewCause());
  }

  @Test
  void checkpoint_ofACommittedStep_isPublishedAndShown() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    cluster.steps(job, 2);
    String sha256 = "e".repeat(64);
    for (FakeWorker worker : List.of(a, b)) {
      report(
          worker,
          new WorkerReport.CheckpointHeld(job, FakeWorker.published(new Label(1, 2), sha256)));
    }
    assertEquals(
        List.of(sha256), status(job).checkpoints().stream().map(it -> it.sha256()).toList());
    assertEquals(List.of(sha256), b.told(Order.Keep.class).getLast().sha256());
    FakeWorker c = cluster.join("c");
    cluster.pass(MOMENT);
    for (FakeWorker worker : List.of(a, b, c)) {
      assertEquals(List.of(sha256), worker.told(Order.Keep.class).getLast().sha256());
    }
  }

  @Test
  void epochs_areJournaledOnce_andReplacedAfterARestore() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    JobRecord.Epoch first = new JobRecord.Epoch(0, 1, 0.8, List.of(0.8), 0.4, true);
    JobRecord.Epoch second = new JobRecord.Epoch(1, 1, 0.8, List.of(0.8), 0.4, false);
    JobRecord.Epoch again = new JobRecord.Epoch(1, 3, 0.9, List.of(0.9), 0.3, true);
    for (JobRecord.Epoch epoch : List.of(first, second, again)) {
      report(a, new WorkerReport.Judged(job, epoch));
      report(b, new WorkerReport.Judged(job, epoch));
    }
    JobRecord journaled = cluster.journal.records.get(job);
    assertEquals(List.of(first, again), journaled == null ? List.of() : journaled.epochs());
  }

  @Test
  void figures_ofMembers_areSeenAtOnce() {
    FakeWorker a = cluster.join("a");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    report(a, FakeWorker.stepped(job, new Label(1, 5)));
    JobRecord.Participant member = status(job).members().getFirst();
    assertEquals(5, member.step());
    assertEquals(40, member.samplesComputed());
    assertEquals(100, member.samplesPerSecond(), 1e-9);
    assertEquals(5, status(job).committedStep());
  }

  @Test
  void reports_ofThoseThatTakeNoPart_meanNothing() {
    cluster.join("a");
    String job = cluster.submit("batch: 1");
    FakeWorker idle = cluster.join("b");
    cluster.pass(MOMENT);
    report(idle, FakeWorker.stepped(job, new Label(1, 5)));
    report(idle, new WorkerReport.Stalled(job, 1, "x", ""));
    report(
        idle,
        new WorkerReport.Judged(job, new JobRecord.Epoch(0, 1, 0.8, List.of(0.8), 0.4, true)));
    assertEquals(1, status(job).view());
    assertEquals(List.of(), status(job).epochs());
  }

  @Test
  void seats_ofOneMachine_divideItsCores() {
    FakeWorker a = cluster.join("a");
    cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    assertEquals(List.of("a", "b"), members(job));
    assertEquals(List.of(2, 2), a.view().seats().stream().map(Seat::threads).toList());
  }

  @Test
  void slowMember_isNamed_givenLess_andStays() {
    FakeWorker a = cluster.join("a");
    FakeWorker b = cluster.join("b");
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    for (int step = 1; step <= 100 && status(job).view() == 1; step++) {
      report(a, FakeWorker.stepped(job, new Label(1, step)));
      WorkerReport.Stepped slow = FakeWorker.stepped(job, new Label(1, step));
      report(
          b,
          new WorkerReport.Stepped(
              job,
              slow.label(),
              slow.digest(),
              slow.progress(),
              new WorkerReport.Pace(240, 20, 10, 5, 8)));
      cluster.pass(Duration.ofMillis(100));
    }
    cluster.pass(MOMENT);
    assertEquals("shares follow the members' speeds", status(job).viewCause());
    JobRecord.Participant first = status(job).members().getFirst();
    JobRecord.Participant second = status(job).members().getLast();
    assertEquals("b", second.id());
    assertTrue(second.share() < first.share(), first.share() + " : " + second.share());
    assertTrue(second.slow().startsWith("compute: "), second.slow());
    assertEquals("", first.slow());
  }

  /** Two images of one byte each, or missing. */
  private static byte[] images(int first, int second) {
    ImageManifest.Draft draft = new ImageManifest.Draft(2);
    int[] bytes = {first, second};
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] >= 0) {
        byte[] sha256 = new byte[32];
        sha256[0] = (byte) bytes[i];
        draft.put(i, 1, sha256);
      }
    }
    return draft.finish().shortened().encoded();
  }

  private FakeWorker holding(String id, byte[] images) {
    FakeWorker worker = new FakeWorker(id, cluster.members.join(FakeWorker.member(id)));
    worker.images = images;
    cluster.workers.put(id, worker);
    cluster.jobs.joined(worker.member, worker, "");
    cluster.settle();
    return worker;
  }

  @Test
  void worker_withOtherDataUnderOneName_isLeftOutAndNamed() {
    holding("a", images(1, 2));
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    FakeWorker other = holding("b", images(1, 3));
    cluster.pass(MOMENT);
    assertEquals(List.of("a"), members(job));
    String detail = status(job).detail();
    assertTrue(detail.contains("worker-b (member b) does not take part"), detail);
    assertTrue(detail.contains("b.png"), detail);
    assertEquals(1, other.told(Order.Discharge.class).size());
  }

  @Test
  void images_thatNobodyHolds_failTheJobWithTheCount() {
    holding("a", images(1, -1));
    holding("b", images(1, -1));
    String job = cluster.submit("");
    assertEquals(JobState.FAILED, status(job).state());
    assertTrue(
        status(job).detail().startsWith("nobody holds 1 of the 2 images"), status(job).detail());
  }

  @Test
  void images_thatWorkersHoldTogether_areEnough() {
    holding("a", images(1, -1));
    holding("b", images(-1, 2));
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    assertEquals(List.of("a", "b"), members(job));
  }

  @Test
  void images_whoseHolderLeaves_areNamedUntilAnotherBringsThem() {
    FakeWorker holder = holding("a", images(1, 2));
    holding("b", images(1, -1));
    String job = cluster.submit("");
    cluster.pass(MOMENT);
    assertEquals("", status(job).detail());
    cluster.lose(holder, "gone");
    cluster.pass(MOMENT);
    String detail = status(job).detail();
    assertTrue(
        detail.contains("nobody holds 1 of the 2 images that the lists name: b.png"), detail);
    holding("c", images(-1, 2));
    cluster.pass(MOMENT);
    assertEquals(List.of("b", "c"), members(job));
    assertEquals("", status(job).detail());
  }
}
