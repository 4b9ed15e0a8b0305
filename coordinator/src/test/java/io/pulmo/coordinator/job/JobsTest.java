package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.pulmo.model.job.JobSpecException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The queue: what waits, starts and ends, and what is refused. */
class JobsTest {
  private final Cluster cluster = new Cluster();

  private JobRecord failed(String job) {
    JobRecord record = cluster.jobs.get(job);
    assertEquals(JobState.FAILED, record.state());
    assertEquals(record, journaled(job));
    return record;
  }

  private JobRecord journaled(String job) {
    JobRecord record = cluster.journal.records.get(job);
    return record == null ? fail(job + " is not in the journal") : record;
  }

  @Test
  void job_startsOnceEnoughWorkersAreThere() {
    FakeWorker a = cluster.join("a");
    cluster.join("b");
    String job = cluster.submit("workers: {min: 3}");
    assertEquals(List.of(), a.told);
    assertEquals("waits for workers: 2 of 3", cluster.jobs.get(job).detail());
    cluster.join("c");
    assertEquals(JobState.RUNNING, journaled(job).state());
    cluster.pass(Duration.ofMillis(500));
    assertEquals(3, cluster.jobs.get(job).members().size());
    assertEquals(1, cluster.jobs.get(job).view());
  }

  @Test
  void jobs_goOneAfterTheOther() {
    FakeWorker a = cluster.join("a");
    String first = cluster.submit("");
    String second = cluster.submit("");
    assertEquals("waits for job " + first, cluster.jobs.get(second).detail());
    cluster.pass(Duration.ofMillis(500));
    cluster.steps(first, 2);
    cluster.end(first, Cluster.BUNDLE);
    assertEquals(JobState.COMPLETED, journaled(first).state());
    assertEquals(Cluster.BUNDLE, cluster.jobs.get(first).bundleManifestSha256());
    assertEquals("d2", cluster.jobs.get(first).members().getFirst().stateDigest());
    assertEquals(JobState.RUNNING, cluster.jobs.get(second).state());
    assertEquals(
        List.of(first, second),
        a.told(Order.Enlist.class).stream().map(Order.Enlist::jobId).toList());
    assertEquals(first, a.told(Order.Discharge.class).getFirst().jobId());
    assertEquals(List.of(second, first), cluster.jobs.list().stream().map(JobRecord::id).toList());
    assertTrue(cluster.changed.contains(second));
  }

  @Test
  void cancel_ofAWaitingOrRunningJob_endsIt_ofAnEndedOne_isRefused() {
    FakeWorker a = cluster.join("a");
    String running = cluster.submit("");
    String waiting = cluster.submit("");
    assertEquals(JobState.CANCELLED, cluster.jobs.cancel(waiting).state());
    assertEquals(JobState.CANCELLED, cluster.jobs.cancel(running).state());
    assertEquals(
        List.of(new Order.Discharge(running, "cancelled by a user")),
        a.told(Order.Discharge.class));
    assertEquals(JobState.CANCELLED, cluster.jobs.cancel(running).state());
    String done = cluster.submit("");
    cluster.pass(Duration.ofMillis(500));
    cluster.end(done, Cluster.BUNDLE);
    RefusedException late = assertThrows(RefusedException.class, () -> cluster.jobs.cancel(done));
    assertEquals(RefusedException.Kind.TOO_LATE, late.kind());
    RefusedException unknown =
        assertThrows(RefusedException.class, () -> cluster.jobs.cancel("nobody"));
    assertEquals(RefusedException.Kind.UNKNOWN, unknown.kind());
  }

  @Test
  void submission_repeatedUnderOneKey_makesOneJobEvenWithTheNextLeader() {
    String job = cluster.jobs.submit(cluster.submission("key", ""));
    assertEquals(job, cluster.jobs.submit(cluster.submission("key", "")));
    cluster.newLeader();
    assertEquals(job, cluster.jobs.submit(cluster.submission("key", "")));
    assertTrue(job.matches("first-[2-9a-z]{6}"), job);
  }

  @Test
  void submission_thatCannotBe_isRefusedAndLeavesNothing() {
    assertThrows(JobSpecException.class, () -> cluster.submit("bathc: 3"));
    cluster.blobs.remove(Cluster.LIST);
    RefusedException missing = assertThrows(RefusedException.class, () -> cluster.submit(""));
    assertTrue(String.valueOf(missing.getMessage()).contains("'t'"), missing.getMessage());
    cluster.blobs.put(Cluster.LIST, 9L);
    assertThrows(RefusedException.class, () -> cluster.submit(""));
    assertEquals(Map.of(), cluster.journal.records);
    assertEquals(List.of(), cluster.jobs.list());
  }

  @Test
  void submission_whenTheJournalRefuses_isUnknownToTheNextLeader() {
    cluster.journal.refuses = true;
    assertThrows(JournalException.class, () -> cluster.submit(""));
    cluster.journal.refuses = false;
    cluster.newLeader();
    assertEquals(List.of(), cluster.jobs.list());
  }

  @Test
  void newLeader_keepsJobsAndTheirOrder_evenWithoutTheirFiles() {
    FakeWorker a = cluster.join("a");
    String running = cluster.submit("");
    String waiting = cluster.submit("workers: {min: 2}");
    cluster.pass(Duration.ofMillis(500));
    assertTrue(a.isIn(1));
    cluster.blobs.remove(Cluster.LIST);
    cluster.newLeader();
    assertEquals(JobState.RUNNING, cluster.jobs.get(running).state());
    assertEquals(JobState.QUEUED, cluster.jobs.get(waiting).state());
    assertEquals(
        List.of(waiting, running), cluster.jobs.list().stream().map(JobRecord::id).toList());
  }

  @Test
  void runningJob_whoseViewsAreUnreadable_failsAndTheNextOneStarts() {
    cluster.join("a");
    String broken = cluster.submit("");
    cluster.pass(Duration.ofMillis(500));
    cluster.journal.viewsUnreadable = true;
    cluster.newLeader();
    assertEquals("a test's record is unreadable; submit it again", failed(broken).detail());
    cluster.journal.viewsUnreadable = false;
    String next = cluster.submit("");
    FakeWorker b = cluster.join("b");
    cluster.pass(Duration.ofMillis(500));
    assertTrue(b.isIn(1));
    assertEquals(JobState.RUNNING, cluster.jobs.get(next).state());
  }

  @Test
  void records_beyondTheBound_dropTheOldestEnded() {
    FakeWorker a = cluster.join("a");
    String first = cluster.submit("");
    cluster.pass(Duration.ofMillis(500));
    cluster.end(first, Cluster.BUNDLE);
    cluster.lose(a, "gone");
    for (int i = 1; i < Jobs.MOST; i++) {
      cluster.submit("");
    }
    assertEquals(Jobs.MOST, cluster.journal.records.size());
    String last = cluster.submit("");
    assertFalse(cluster.journal.records.containsKey(first));
    assertTrue(cluster.journal.records.containsKey(last));
    RefusedException full = assertThrows(RefusedException.class, () -> cluster.submit(""));
    assertEquals(RefusedException.Kind.FULL, full.kind());
  }
}
