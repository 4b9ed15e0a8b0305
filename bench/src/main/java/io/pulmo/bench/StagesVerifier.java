package io.pulmo.bench;

import io.pulmo.bench.ClusterEvent.Aimed;
import io.pulmo.bench.ClusterHistory.SeenJob;
import io.pulmo.bench.ClusterHistory.Turn;
import io.pulmo.bench.StagesFigures.Outcome;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What computes the figures of a bench of a job's stages, from its events alone: whether each loss
 * came while the job was where it was aimed at, and whether the job ended well all the same.
 */
final class StagesVerifier {
  private StagesVerifier() {}

  /**
   * The figures of a file of events.
   *
   * @throws CommandFailure if a line is wrong, or cannot be
   */
  static StagesFigures figures(Path events) throws IOException {
    ClusterHistory history = new ClusterHistory();
    EventsFile.read(events, ClusterEvent.class, history::take);
    try {
      return figures(history);
    } catch (IllegalArgumentException e) {
      throw CommandFailure.work(events + ": " + e.getMessage() + "; run the bench again");
    }
  }

  private static StagesFigures figures(ClusterHistory history) {
    List<SeenJob> jobs = List.copyOf(history.jobs().values());
    List<Outcome> outcomes = new ArrayList<>();
    for (Aimed aimed : history.aimed()) {
      if (aimed.round() < 1 || aimed.round() > jobs.size()) {
        throw new IllegalArgumentException(
            "a loss in round %d of %d jobs".formatted(aimed.round(), jobs.size()));
      }
      SeenJob job = jobs.get(aimed.round() - 1);
      String id = job.submitted().job();
      Optional<ClusterEvent.JobEnded> end =
          history.ended().stream().filter(one -> one.job().equals(id)).findFirst();
      boolean well =
          end.isPresent()
              && end.get().state().equals("completed")
              && end.get().ledgerVerifies()
              && end.get().t() > aimed.t();
      outcomes.add(new Outcome(aimed.stage(), aimed.loss(), isIn(aimed, job, history), well));
    }
    return new StagesFigures(outcomes, LedgerVerifier.of(history));
  }

  /** Whether the job was in the stage when the loss came. */
  private static boolean isIn(Aimed aimed, SeenJob job, ClusterHistory history) {
    long t = aimed.t();
    String id = job.submitted().job();
    List<Turn> turns =
        history.turns().stream().filter(turn -> turn.job().equals(id) && turn.t() <= t).toList();
    boolean exports = turns.stream().anyMatch(turn -> turn.kind().equals("export"));
    boolean stepped =
        job.views().values().stream()
            .flatMap(view -> view.steps().values().stream())
            .flatMap(parts -> parts.values().stream())
            .anyMatch(part -> part.t() <= t);
    return switch (aimed.stage()) {
      case SUBMISSION -> t < job.submitted().t();
      case TRAINING -> stepped && !exports;
      case VALIDATION ->
          turns.stream()
              .filter(turn -> turn.kind().equals("validate"))
              .anyMatch(turn -> turns.stream().noneMatch(later -> isOver(turn, later)));
      case EXPORT -> exports && !completedBetween(history, exportBegan(turns), t);
    };
  }

  private static boolean isOver(Turn validates, Turn later) {
    return later.kind().equals("validated")
        && later.member().equals(validates.member())
        && later.t() >= validates.t();
  }

  private static long exportBegan(List<Turn> turns) {
    return turns.stream()
        .filter(turn -> turn.kind().equals("export"))
        .mapToLong(Turn::t)
        .min()
        .orElseThrow();
  }

  private static boolean completedBetween(ClusterHistory history, long from, long to) {
    return history.offices().stream()
        .anyMatch(
            office -> office.kind().equals("complete") && office.t() >= from && office.t() <= to);
  }
}
