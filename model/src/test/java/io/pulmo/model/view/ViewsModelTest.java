package io.pulmo.model.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.view.Schedule.BrokenException;
import io.pulmo.model.view.Schedule.Rules;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * The protocol of views, explored: seeded schedules of crashes, pauses, changes of leader, bad
 * networks and an ensemble that is away, over the real {@link MemberViews} and {@link ViewLeader}.
 * One that breaks is repeated with {@code -Dpulmo.views.seed=SEED}.
 */
class ViewsModelTest {
  private static final int COUNT = Boolean.getBoolean("pulmo.long") ? 10_000 : 500;
  private static final int MOST_TRIED = 400;

  @Test
  void views_inRandomSchedules_keepTheirPromises() {
    Long only = Long.getLong("pulmo.views.seed");
    LongStream seeds = only == null ? LongStream.rangeClosed(1, COUNT) : LongStream.of(only);
    Counts all =
        seeds
            .parallel()
            .mapToObj(seed -> Counts.of(run(seed, Rules.ALL_KEPT, false)))
            .reduce(Counts.NONE, Counts::plus);
    System.out.println(all);
    if (only == null) {
      assertTrue(all.views > 5L * COUNT, all.toString());
      assertTrue(all.restores > COUNT / 5, all.toString());
      assertTrue(all.published > COUNT, all.toString());
    }
  }

  /** What schedules went through; a lineage itself is too large to keep thousands. */
  private record Counts(long schedules, long views, long commits, long restores, long published) {
    private static final Counts NONE = new Counts(0, 0, 0, 0, 0);

    static Counts of(Lineage lineage) {
      return new Counts(
          1, lineage.viewCount, lineage.commitCount, lineage.restoreCount, lineage.publishedCount);
    }

    Counts plus(Counts more) {
      return new Counts(
          schedules + more.schedules,
          views + more.views,
          commits + more.commits,
          restores + more.restores,
          published + more.published);
    }
  }

  @Test
  void schedule_ranTwice_goesTheSameWay() {
    Lineage once = run(7, Rules.ALL_KEPT, false);
    Lineage again = run(7, Rules.ALL_KEPT, true);
    assertEquals(once.summary(), again.summary());
  }

  @Test
  void members_goingOnAfterAPromise_loseCommittedSteps() {
    assertBites(new Rules(true, false, false, false, false), "committed steps are lost", 10);
  }

  @Test
  void leader_restoringInHaste_givesUpWhatAMemberHolds() {
    assertBites(new Rules(false, true, false, false, false), "restored to", 1);
  }

  @Test
  void leader_choosingByAnyLabel_losesCommittedSteps() {
    assertBites(new Rules(false, false, true, false, false), "committed steps are lost", 1);
  }

  @Test
  void leader_publishingWhatIsNotCommitted_isCaught() {
    assertBites(new Rules(false, false, false, true, false), "is published, committed is", 1);
  }

  @Test
  void members_pruningCheckpointsByTheirAgeAlone_loseTheJob() {
    assertBites(
        new Rules(false, false, false, false, true),
        "waits for a worker that has the checkpoint of step",
        1);
  }

  private static void assertBites(Rules rules, String how, int atLeast) {
    List<String> broken =
        LongStream.rangeClosed(1, MOST_TRIED)
            .parallel()
            .mapToObj(seed -> breaking(seed, rules))
            .flatMap(Optional::stream)
            .filter(it -> it.contains(how))
            .limit(atLeast)
            .toList();
    assertEquals(atLeast, broken.size(), "broken of " + MOST_TRIED);
  }

  private static Optional<String> breaking(long seed, Rules rules) {
    try {
      new Schedule(seed, rules, false).run();
      return Optional.empty();
    } catch (BrokenException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /** Runs one; if it breaks, once more, so that the message tells how it came about. */
  private static Lineage run(long seed, Rules rules, boolean traces) {
    Schedule schedule = new Schedule(seed, rules, traces);
    try {
      schedule.run();
      return schedule.lineage();
    } catch (BrokenException | IllegalStateException e) {
      new Schedule(seed, rules, true).run();
      throw e;
    }
  }
}
