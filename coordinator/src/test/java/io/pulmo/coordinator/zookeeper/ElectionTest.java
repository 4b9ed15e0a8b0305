package io.pulmo.coordinator.zookeeper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.JobState;
import io.pulmo.coordinator.job.JournalException;
import io.pulmo.coordinator.job.PastView;
import io.pulmo.coordinator.job.UnreadableRecordException;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.node.HostPort;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Elections, epochs and fenced writes against a real ZooKeeper server. */
class ElectionTest {
  private static final byte[] ONE = "one".getBytes(StandardCharsets.UTF_8);
  private static final byte[] TWO = "two".getBytes(StandardCharsets.UTF_8);

  private static final ViewJournal.Published PUBLISHED =
      new ViewJournal.Published(new Label(1, 2), "ab".repeat(32), "cd", Double.NaN);

  private final Path folder;
  private EmbeddedZooKeeper zookeeper;

  ElectionTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void start() throws Exception {
    zookeeper = EmbeddedZooKeeper.start(folder, 0);
  }

  @AfterEach
  void stop() {
    zookeeper.close();
  }

  /** One coordinator's part, with what it was told. */
  private static final class Candidate implements Election.Listener, AutoCloseable {
    final BlockingQueue<FencedStore> elected = new LinkedBlockingQueue<>();
    final BlockingQueue<String> deposed = new LinkedBlockingQueue<>();
    final ZooKeeperSession session;
    final Election election;

    Candidate(String connect, int port) throws Exception {
      session = ZooKeeperSession.connect(connect);
      election = new Election(session, new HostPort("127.0.0.1", port), this);
      election.start();
    }

    @Override
    public void elected(FencedStore store) {
      elected.add(store);
    }

    @Override
    public void deposed(String why) {
      deposed.add(why);
    }

    /** Waits until so many stand for election, and this one sees them. */
    void awaitCandidates(int count) throws InterruptedException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
      while (election.view().coordinators().size() != count) {
        assertTrue(System.nanoTime() - deadline < 0, "expected " + count + " candidates");
        Thread.sleep(20);
      }
    }

    FencedStore awaitElected() throws InterruptedException {
      return assertNotNullAndGet(elected.poll(15, TimeUnit.SECONDS));
    }

    @Override
    public void close() {
      election.close();
      session.close();
    }
  }

  private static <T> T assertNotNullAndGet(@org.jspecify.annotations.Nullable T value) {
    assertNotNull(value);
    if (value == null) {
      throw new AssertionError("unreachable after the assertion");
    }
    return value;
  }

  @Test
  void write_ofALeaderWhoseEpochIsOver_isRefused() throws Exception {
    try (Candidate first = new Candidate(zookeeper.connectString(), 1)) {
      FencedStore old = first.awaitElected();
      old.create("/pulmo/jobs/a", ONE);
      try (Candidate second = new Candidate(zookeeper.connectString(), 2)) {
        // The first lines up again behind the second, its session as alive as ever.
        first.awaitCandidates(2);
        first.election.resign(old.epoch() - 1, "an epoch that was over");
        first.election.resign(old.epoch(), "a test says so");
        FencedStore next = second.awaitElected();
        assertTrue(next.epoch() > old.epoch(), old.epoch() + " then " + next.epoch());
        assertEquals("a test says so", first.deposed.poll(5, TimeUnit.SECONDS));

        assertThrows(FencedException.class, () -> old.create("/pulmo/jobs/b", ONE));
        assertThrows(FencedException.class, () -> old.update("/pulmo/jobs/a", TWO, 0));
        assertThrows(FencedException.class, () -> old.delete("/pulmo/jobs/a", 0));
        List<FencedStore.Entry> left = next.children("/pulmo/jobs");
        assertEquals(List.of("a"), left.stream().map(FencedStore.Entry::name).toList());
        assertEquals(0, left.getFirst().version());

        next.update("/pulmo/jobs/a", TWO, 0);
        assertEquals(
            "two",
            new String(next.children("/pulmo/jobs").getFirst().data(), StandardCharsets.UTF_8));
        assertThrows(FencedException.class, () -> next.update("/pulmo/jobs/a", ONE, 0));
      }
    }
  }

  @Test
  void leader_thatLosesZooKeeper_stepsDownAndCannotWrite() throws Exception {
    try (Candidate only = new Candidate(zookeeper.connectString(), 1)) {
      FencedStore store = only.awaitElected();
      zookeeper.close();
      assertNotNull(only.deposed.poll(10, TimeUnit.SECONDS));
      assertTrue(only.election.view().leader().isEmpty());
      assertThrows(JournalException.class, () -> store.create("/pulmo/jobs/a", ONE));
    }
  }

  @Test
  void leader_afterZooKeeperCameBack_hasAHigherEpoch() throws Exception {
    int port = HostPort.parse(zookeeper.connectString()).port();
    try (Candidate only = new Candidate(zookeeper.connectString(), 1)) {
      FencedStore before = only.awaitElected();
      zookeeper.close();
      assertNotNull(only.deposed.poll(10, TimeUnit.SECONDS));
      zookeeper = EmbeddedZooKeeper.start(folder, port);
      FencedStore after = only.awaitElected();
      assertTrue(after.epoch() > before.epoch());
      after.create("/pulmo/jobs/a", ONE);
      assertThrows(FencedException.class, () -> before.update("/pulmo/jobs/a", TWO, 0));
    }
  }

  @Test
  void journal_givesBackWhatAnEarlierLeaderWrote() throws Exception {
    JobRecord job =
        new JobRecord(
            "job-222222",
            7,
            "job",
            "key",
            "data: \"ä\"\n",
            List.of(new JobRecord.File("t.txt", "ab".repeat(32), 8)),
            JobState.RUNNING,
            "",
            1,
            2,
            0,
            1,
            3,
            "the job starts",
            List.of(new JobRecord.Participant("m", "w", 3, 4, 5, "", 2, 8.5, "slow network")),
            3,
            new JobRecord.Progress(1, 3, 10, 0, Double.NaN, 1.5, 4, 5),
            List.of(new JobRecord.Epoch(0, 1, 0.8, List.of(0.8, Double.NaN), 0.4, true)),
            List.of(PUBLISHED),
            "");
    JobRecord gone =
        new JobRecord(
            "gone-222222",
            1,
            "gone",
            "",
            "",
            List.of(),
            JobState.QUEUED,
            "",
            1,
            0,
            0,
            0,
            0,
            "",
            List.of(),
            0,
            null,
            List.of(),
            List.of(),
            "");
    try (Candidate first = new Candidate(zookeeper.connectString(), 1)) {
      ZooKeeperJournal journal = new ZooKeeperJournal(first.awaitElected());
      assertEquals(List.of(), journal.load());
      journal.write(gone);
      journal.write(gone);
      journal.write(job);
      journal.write(job);
      journal.forget(gone.id());
    }
    try (Candidate second = new Candidate(zookeeper.connectString(), 2)) {
      ZooKeeperJournal journal = new ZooKeeperJournal(second.awaitElected());
      assertEquals(List.of(job), journal.load());
      journal.write(job);
      assertFalse(journal.load().isEmpty());
    }
  }

  private static View view(long id, Label continues) {
    List<Seat> seats =
        List.of(new Seat("m" + id, "w", "127.0.0.1:1", 2, 1), new Seat("n", "x", "h:2", 1, 4));
    return new View(id, 1, seats, continues);
  }

  @Test
  void views_areGivenBackToTheNextLeader_andRefusedToTheOneBefore() throws Exception {
    try (Candidate first = new Candidate(zookeeper.connectString(), 1)) {
      FencedStore old = first.awaitElected();
      ViewJournal before = new ZooKeeperJournal(old).views("job", () -> "the job starts");
      assertEquals(ViewJournal.Kept.empty(), before.current());
      View one = view(1, Label.START);
      before.write(new ViewJournal.Kept(Optional.empty(), 1, List.of(), List.of()));
      before.write(new ViewJournal.Kept(Optional.of(one), 1, List.of(), List.of()));
      ViewJournal.Kept kept =
          new ViewJournal.Kept(
              Optional.of(view(2, new Label(1, 2))),
              3,
              List.of(PUBLISHED),
              List.of(new ViewJournal.Restore(2, 2, 5)));
      before.write(kept);
      try (Candidate second = new Candidate(zookeeper.connectString(), 2)) {
        first.awaitCandidates(2);
        first.election.resign(old.epoch(), "a test says so");
        ZooKeeperJournal journal = new ZooKeeperJournal(second.awaitElected());
        ViewJournal after = journal.views("job", () -> "w leaves");
        assertEquals(kept, after.current());
        assertThrows(FencedException.class, () -> before.write(ViewJournal.Kept.empty()));
        assertThrows(FencedException.class, old::confirm);
        after.write(
            new ViewJournal.Kept(Optional.of(view(4, new Label(2, 9))), 4, List.of(), List.of()));
        List<PastView> past = journal.pastViews("job");
        assertEquals(List.of(1L, 2L, 4L), past.stream().map(PastView::id).toList());
        assertEquals("w leaves", past.getLast().cause());
        assertEquals(new Label(2, 9), past.getLast().continues());
        assertEquals(
            List.of(new PastView.Part("m4", "w", 2), new PastView.Part("n", "x", 1)),
            past.getLast().members());
      }
    }
  }

  @Test
  void record_thatIsUnreadable_failsItsJobAlone() throws Exception {
    try (Candidate only = new Candidate(zookeeper.connectString(), 1)) {
      FencedStore store = only.awaitElected();
      store.create("/pulmo/jobs/bad-222222", ONE);
      store.create("/pulmo/views/bad-222222", TWO);
      ZooKeeperJournal journal = new ZooKeeperJournal(store);
      JobRecord record = journal.load().getFirst();
      assertEquals(JobState.FAILED, record.state());
      assertTrue(record.detail().contains("/pulmo/jobs/bad-222222"), record.detail());
      UnreadableRecordException unreadable =
          assertThrows(
              UnreadableRecordException.class, () -> journal.views("bad-222222", () -> ""));
      assertTrue(
          String.valueOf(unreadable.getMessage()).contains("/pulmo/views/bad-222222"),
          unreadable.getMessage());
      journal.forget("bad-222222");
      assertEquals(List.of(), journal.load());
      assertEquals(List.of(), journal.pastViews("bad-222222"));
    }
  }
}
