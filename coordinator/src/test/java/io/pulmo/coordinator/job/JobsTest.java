package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.pulmo.coordinator.FakeClock;
import io.pulmo.coordinator.membership.Member;
import io.pulmo.coordinator.membership.Members;
import io.pulmo.coordinator.membership.Presence;
import io.pulmo.model.job.JobSpecException;
import io.pulmo.node.HostPort;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

class JobsTest {
  private static final String LIST = "a".repeat(64);
  private static final String BUNDLE = "b".repeat(64);

  private final FakeClock clock = new FakeClock();
  private final Members members = new Members(clock::nanos);
  private final Journal journal = new Journal();
  private final Map<String, Long> blobs = new HashMap<>(Map.of(LIST, 8L, BUNDLE, 100L));
  private final List<String> changed = new ArrayList<>();
  private Jobs jobs = newLeader();
  private int named;

  private Jobs newLeader() {
    return new Jobs(
        journal,
        sha256 -> {
          Long bytes = blobs.get(sha256);
          return bytes == null ? OptionalLong.empty() : OptionalLong.of(bytes);
        },
        members,
        clock,
        clock::nanos,
        new Random(1),
        changed::add);
  }

  /** A journal in memory that can refuse to write. */
  private static final class Journal implements JobJournal {
    final Map<String, JobRecord> records = new LinkedHashMap<>();
    boolean refuses;

    @Override
    public List<JobRecord> load() {
      return List.copyOf(records.values());
    }

    @Override
    public void write(JobRecord job) {
      if (refuses) {
        throw new JournalException("a test refuses", null);
      }
      records.put(job.id(), job);
    }

    @Override
    public void forget(String jobId) {
      records.remove(jobId);
    }
  }

  /** A worker that notes what it is told. */
  private final class Worker implements WorkerLine {
    final Member member;
    final Presence presence;
    final List<Order> orders = new ArrayList<>();
    final List<String> stops = new ArrayList<>();

    Worker(String id) {
      member = new Member(id, "worker-" + id, new HostPort("127.0.0.1", 1), "host", 4, "cpu");
      presence = members.join(member);
      jobs.joined(member, this);
    }

    @Override
    public void start(Order order) {
      orders.add(order);
    }

    @Override
    public void stop(String jobId, long view, String reason) {
      stops.add(reason);
    }

    void leave(String cause) {
      members.leave(presence);
      jobs.left(member, cause);
    }

    void complete(String job, String digest) {
      jobs.completed(member, job, 1, digest, rank() == 0 ? BUNDLE : "");
    }

    void fail(String job, String error, String culpritId) {
      jobs.failed(member, job, 1, error, culpritId);
    }

    int rank() {
      return orders.getLast().rank();
    }
  }

  private Submission submission(String key, String more) {
    String yaml = "name: first\ndata: {train: t, validation: v, images: i}\n" + more;
    return new Submission(
        yaml, List.of(new JobRecord.File("t", LIST, 8), new JobRecord.File("v", LIST, 8)), key);
  }

  private String submit(String more) {
    // Jobs of one name and content would be one job.
    named++;
    Submission named = submission("", more);
    return jobs.submit(
        new Submission(named.yaml().replace("first", "job-" + this.named), named.files(), ""));
  }

  private JobRecord failed(String job) {
    JobRecord record = jobs.get(job);
    assertEquals(JobState.FAILED, record.state());
    assertEquals(record, journaled(job));
    return record;
  }

  private JobRecord journaled(String job) {
    JobRecord record = journal.records.get(job);
    return record == null ? fail(job + " is not in the journal") : record;
  }

  @Test
  void job_startsOnceEnoughWorkersAreThere_andTakesAllThatAre() {
    Worker a = new Worker("a");
    Worker b = new Worker("b");
    String job = submit("workers: {min: 3}");
    assertEquals(List.of(), a.orders);
    assertEquals("waits for workers: 2 of 3", jobs.get(job).detail());
    Worker c = new Worker("c");
    assertEquals(JobState.RUNNING, jobs.get(job).state());
    assertEquals(3, c.orders.getFirst().plan().seats().size());
    Worker late = new Worker("d");
    assertEquals(List.of(), late.orders);
    assertEquals(JobState.RUNNING, journaled(job).state());
    assertEquals(1, b.orders.size());
  }

  @Test
  void job_takesNoMoreMembersThanItsBatchHasSamples() {
    new Worker("a");
    new Worker("b");
    Worker c = new Worker("c");
    String job = submit("batch: 2");
    assertEquals(2, jobs.get(job).members().size());
    assertEquals(List.of(), c.orders);
  }

  @Test
  void jobs_goOneAfterTheOther() {
    Worker a = new Worker("a");
    String first = submit("");
    String second = submit("");
    assertEquals("waits for job " + first, jobs.get(second).detail());
    a.complete(first, "d");
    assertEquals(JobState.COMPLETED, jobs.get(first).state());
    assertEquals(BUNDLE, jobs.get(first).bundleManifestSha256());
    assertEquals(JobState.RUNNING, jobs.get(second).state());
    assertEquals(second, a.orders.getLast().jobId());
    assertEquals(List.of(second, first), jobs.list().stream().map(JobRecord::id).toList());
  }

  @Test
  void memberLost_inARunningJob_failsItByNameAndStopsTheOthers() {
    Worker a = new Worker("a");
    Worker b = new Worker("b");
    String job = submit("workers: {min: 2}");
    b.leave("no heartbeat for 2.0 s: paused or cut off");
    assertEquals(
        "worker worker-b (member b) was lost: no heartbeat for 2.0 s: paused or cut off",
        failed(job).detail());
    assertEquals(1, a.stops.size());
    assertTrue(changed.contains(job));
  }

  @Test
  void membersLost_oneAfterTheOther_failTheRunningJobAlone() {
    Worker a = new Worker("a");
    Worker b = new Worker("b");
    Worker c = new Worker("c");
    String running = submit("");
    String waiting = submit("");
    a.leave("the control stream broke off");
    assertEquals(
        "waits a moment: a worker was lost, others may follow", jobs.get(waiting).detail());
    clock.advance(Duration.ofMillis(900));
    jobs.tick();
    b.leave("no heartbeat for 2.1 s: paused or cut off");
    clock.advance(Duration.ofMillis(900));
    jobs.tick();
    assertTrue(failed(running).detail().contains("worker-a"), failed(running)::detail);
    assertEquals(JobState.QUEUED, jobs.get(waiting).state());
    clock.advance(Duration.ofMillis(100));
    jobs.tick();
    assertEquals(JobState.RUNNING, jobs.get(waiting).state());
    assertEquals(waiting, c.orders.getLast().jobId());
    assertEquals(1, c.orders.getLast().plan().seats().size());
  }

  @Test
  void memberLost_afterItFinished_doesNotFailTheJob() {
    Worker a = new Worker("a");
    Worker b = new Worker("b");
    String job = submit("workers: {min: 2}");
    b.complete(job, "d");
    b.leave("the control stream ended");
    assertEquals(JobState.RUNNING, jobs.get(job).state());
    a.complete(job, "d");
    assertEquals(JobState.COMPLETED, jobs.get(job).state());
  }

  @Test
  void failure_thatALossExplains_namesTheLost() {
    Worker a = new Worker("a");
    Worker b = new Worker("b");
    new Worker("c");
    String job = submit("workers: {min: 3}");
    a.fail(job, "the ring broke", "c");
    clock.advance(Duration.ofMillis(2_400));
    jobs.tick();
    assertEquals(JobState.RUNNING, jobs.get(job).state());
    b.leave("the control stream broke off");
    assertEquals(
        "worker worker-b (member b) was lost: the control stream broke off", failed(job).detail());
  }

  @Test
  void failure_thatNoLossExplains_namesTheReportedCulpritAfterTheGrace() {
    Worker a = new Worker("a");
    new Worker("b");
    new Worker("c");
    String job = submit("workers: {min: 3}");
    a.fail(job, "no bytes for 2 s", "c");
    clock.advance(Duration.ofMillis(2_500));
    jobs.tick();
    assertEquals(
        "worker worker-c (member c) was lost to its neighbour worker-a (member a):"
            + " no bytes for 2 s",
        failed(job).detail());
  }

  @Test
  void failure_thatAMemberTakesOnItself_goesBeforeBlameOfOthers() {
    Worker a = new Worker("a");
    Worker b = new Worker("b");
    String job = submit("workers: {min: 2}");
    a.fail(job, "the ring broke", "b");
    assertEquals(JobState.RUNNING, jobs.get(job).state());
    b.fail(job, "images/x.png is missing", "");
    assertEquals(
        "worker worker-b (member b) failed: images/x.png is missing", failed(job).detail());
  }

  @Test
  void completion_withDifferentStates_failsNamingThem() {
    Worker a = new Worker("a");
    Worker b = new Worker("b");
    String job = submit("workers: {min: 2}");
    a.complete(job, "d1");
    b.complete(job, "d2");
    String detail = failed(job).detail();
    assertTrue(detail.contains("worker-a (member a) has d1, worker-b (member b) has d2"), detail);
  }

  @Test
  void completion_withoutTheBundle_failsNamingTheManifest() {
    Worker a = new Worker("a");
    String job = submit("");
    jobs.completed(a.member, job, 1, "d", "c".repeat(64));
    assertTrue(failed(job).detail().contains("c".repeat(64)));
  }

  @Test
  void reports_aboutAnotherRun_meanNothing() {
    Worker a = new Worker("a");
    String job = submit("");
    Worker idle = new Worker("b");
    jobs.failed(a.member, job, 2, "old", "");
    jobs.failed(a.member, "other", 1, "old", "");
    jobs.failed(idle.member, job, 1, "not mine", "");
    clock.advance(Duration.ofSeconds(5));
    jobs.tick();
    assertEquals(JobState.RUNNING, jobs.get(job).state());
  }

  @Test
  void cancel_ofAWaitingOrRunningJob_endsIt_ofAnEndedOne_isRefused() {
    Worker a = new Worker("a");
    String running = submit("");
    String waiting = submit("");
    assertEquals(JobState.CANCELLED, jobs.cancel(waiting).state());
    assertEquals(JobState.CANCELLED, jobs.cancel(running).state());
    assertEquals(List.of("cancelled by a user"), a.stops);
    assertEquals(JobState.CANCELLED, jobs.cancel(running).state());
    String done = submit("");
    a.complete(done, "d");
    RefusedException late = assertThrows(RefusedException.class, () -> jobs.cancel(done));
    assertEquals(RefusedException.Kind.TOO_LATE, late.kind());
    RefusedException unknown = assertThrows(RefusedException.class, () -> jobs.cancel("nobody"));
    assertEquals(RefusedException.Kind.UNKNOWN, unknown.kind());
  }

  @Test
  void submission_repeatedUnderOneKey_makesOneJobEvenWithTheNextLeader() {
    String job = jobs.submit(submission("key", ""));
    assertEquals(job, jobs.submit(submission("key", "")));
    jobs = newLeader();
    assertEquals(job, jobs.submit(submission("key", "")));
    assertTrue(job.matches("first-[2-9a-z]{6}"), job);
  }

  @Test
  void submission_thatCannotBe_isRefusedAndLeavesNothing() {
    assertThrows(JobSpecException.class, () -> submit("bathc: 3"));
    blobs.remove(LIST);
    RefusedException missing = assertThrows(RefusedException.class, () -> submit(""));
    assertTrue(String.valueOf(missing.getMessage()).contains("'t'"), missing.getMessage());
    blobs.put(LIST, 9L);
    assertThrows(RefusedException.class, () -> submit(""));
    assertEquals(Map.of(), journal.records);
    assertEquals(List.of(), jobs.list());
  }

  @Test
  void submission_whenTheJournalRefuses_isUnknownToTheNextLeader() {
    journal.refuses = true;
    assertThrows(JournalException.class, () -> submit(""));
    journal.refuses = false;
    jobs = newLeader();
    assertEquals(List.of(), jobs.list());
  }

  @Test
  void newLeader_keepsWaitingJobs_evenWithoutTheirFiles_andFailsTheRunningOne() {
    Worker a = new Worker("a");
    String running = submit("");
    String waiting = submit("workers: {min: 2}");
    members.leave(a.presence);

    jobs = newLeader();
    assertEquals("the leader changed during training: submit it again", failed(running).detail());
    blobs.remove(LIST);
    jobs = newLeader();
    assertEquals(JobState.QUEUED, jobs.get(waiting).state());
    assertEquals(List.of(waiting, running), jobs.list().stream().map(JobRecord::id).toList());
  }

  @Test
  void records_beyondTheBound_dropTheOldestEnded() {
    Worker a = new Worker("a");
    String first = submit("");
    a.complete(first, "d");
    a.leave("gone");
    for (int i = 1; i < Jobs.MOST; i++) {
      submit("");
    }
    assertEquals(Jobs.MOST, journal.records.size());
    String last = submit("");
    assertFalse(journal.records.containsKey(first));
    assertTrue(journal.records.containsKey(last));
    RefusedException full = assertThrows(RefusedException.class, () -> submit(""));
    assertEquals(RefusedException.Kind.FULL, full.kind());
  }

  @Test
  void progressAndEpochs_areSeenAtOnce_andJournaledByEpoch() {
    Worker a = new Worker("a");
    Worker b = new Worker("b");
    String job = submit("workers: {min: 2}");
    jobs.progress(a.member, job, 1, new JobRecord.Progress(5, 10, 0, 0.5, 9, 40, 5));
    jobs.progress(b.member, job, 1, new JobRecord.Progress(4, 10, 0, 0.6, 9, 32, 4));
    JobRecord.Progress newest = jobs.get(job).progress();
    assertEquals(5, newest == null ? 0 : newest.step());
    assertEquals(4, jobs.get(job).members().get(1).step());
    assertEquals(List.of(), journaled(job).epochs());
    JobRecord.Epoch epoch = new JobRecord.Epoch(0, 0.8, List.of(0.8), 0.4, true);
    jobs.epoch(a.member, job, 1, epoch);
    jobs.epoch(b.member, job, 1, epoch);
    assertEquals(List.of(epoch), journaled(job).epochs());
  }
}
