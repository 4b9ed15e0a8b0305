package io.pulmo.bench;

import io.pulmo.bench.ClusterEvent.Action;
import io.pulmo.bench.ClusterHistory.Act;
import io.pulmo.bench.ClusterHistory.Child;
import io.pulmo.bench.ClusterHistory.SeenJob;
import io.pulmo.bench.ClusterHistory.SeenView;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What computes the figures of a bench of the ledger, from its events alone: for each job, how
 * often each sample of each epoch was computed on the way to the final weights.
 */
final class LedgerVerifier {
  private final ClusterHistory history;
  private final List<String> findings = new ArrayList<>();
  private long samples;
  private long missing;
  private long duplicated;
  private int kills;
  private int pauses;
  private int joins;
  private int fewest = Integer.MAX_VALUE;

  private LedgerVerifier(ClusterHistory history) {
    this.history = history;
  }

  /**
   * The figures of a file of events.
   *
   * @throws CommandFailure if a line is wrong, or cannot be
   */
  static LedgerFigures figures(Path events) throws IOException {
    ClusterHistory history = new ClusterHistory();
    EventsFile.read(events, ClusterEvent.class, history::take);
    try {
      return of(history);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.work(events + ": " + e.getMessage() + "; run the bench again");
    }
  }

  /** The figures of a history. */
  static LedgerFigures of(ClusterHistory history) {
    return new LedgerVerifier(history).figures();
  }

  private LedgerFigures figures() {
    ClusterEvent.Begin begin = history.begin();
    for (SeenJob job : history.jobs().values()) {
      judge(job);
    }
    return new LedgerFigures(
        begin,
        history.jobs().size(),
        kills,
        pauses,
        joins,
        history.jobs().isEmpty() ? 0 : fewest,
        samples,
        missing,
        duplicated,
        findings);
  }

  private void judge(SeenJob job) {
    String id = job.submitted().job();
    Optional<ClusterEvent.JobEnded> end =
        history.ended().stream().filter(one -> one.job().equals(id)).findFirst();
    if (end.isEmpty()) {
      findings.add("job " + id + " has not ended");
      return;
    }
    if (!end.get().state().equals("completed")) {
      findings.add("job " + id + " ended as " + end.get().state());
    }
    Lineage lineage = Lineage.of(job);
    Lineage.Count count = lineage.count();
    samples += count.samples();
    missing += count.missing();
    duplicated += count.duplicated();
    long all = (long) job.submitted().samples() * job.submitted().epochs();
    if (count.samples() != all) {
      missing += Math.max(0, all - count.samples());
      findings.add(
          "job %s went through %d samples, expected %d".formatted(id, count.samples(), all));
    }
    if (count.missing() > 0 || count.duplicated() > 0) {
      findings.add(
          "job %s: %d samples missing, %d doubled"
              .formatted(id, count.missing(), count.duplicated()));
    }
    Set<String> digests = new HashSet<>(end.get().digests().values());
    if (digests.size() != 1) {
      findings.add(
          "job %s: the members' final states have %d digests, expected one: %s"
              .formatted(id, digests.size(), end.get().digests()));
    }
    if (!end.get().ledgerVerifies()) {
      findings.add("job " + id + ": its ledger does not verify");
    }
    disruptions(job, end.get());
  }

  private void disruptions(SeenJob job, ClusterEvent.JobEnded end) {
    int before = kills + pauses + joins;
    long from =
        job.views().values().stream().mapToLong(SeenView::firstEnteredAt).min().orElse(end.t());
    for (Child child : history.children()) {
      for (Act act : child.acts()) {
        if (act.t() > from && act.t() < end.t()) {
          kills += act.action() == Action.KILL ? 1 : 0;
          pauses += act.action() == Action.STOP ? 1 : 0;
        }
      }
    }
    Set<String> members = new HashSet<>();
    for (SeenView view : job.views().values()) {
      for (String member : view.entered().keySet()) {
        if (members.add(member) && view.id() != job.views().firstKey()) {
          joins++;
        }
      }
    }
    fewest = Math.min(fewest, kills + pauses + joins - before);
  }
}
