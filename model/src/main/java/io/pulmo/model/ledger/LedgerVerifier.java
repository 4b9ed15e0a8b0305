package io.pulmo.model.ledger;

import io.pulmo.model.ledger.Ledger.Part;
import io.pulmo.model.ledger.Ledger.Span;
import io.pulmo.model.view.ViewJournal;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who checks a ledger: recomputes which samples each member computed, and counts them. Along the
 * lineage each epoch of data must have had each sample once.
 */
public final class LedgerVerifier {
  private static final int NOBODY = 0;

  private final Ledger ledger;
  private final long steps;

  private LedgerVerifier(LedgerFile file) {
    this.ledger = file.ledger();
    this.steps = file.steps();
  }

  /**
   * What came out.
   *
   * @param fault the first, in words; none if the ledger verifies
   * @param wholeEpochs epochs of data of which each sample was counted once
   * @param stepsBeyond steps of the epoch after them, each of whose samples was counted once
   * @param givenUp at least so many steps, by restores
   */
  public record Verdict(Optional<String> fault, long wholeEpochs, long stepsBeyond, long givenUp) {}

  /** Stops at the first fault. */
  private static final class FaultException extends Exception {
    private static final long serialVersionUID = 1L;

    FaultException(String fault) {
      super(fault);
    }
  }

  /** Verifies all of it; takes some milliseconds for a hundred thousand samples an epoch. */
  public static Verdict verify(LedgerFile file) {
    LedgerVerifier verifier = new LedgerVerifier(file);
    long perEpoch = file.ledger().sampler().stepsPerEpoch();
    long epoch = 0;
    try {
      verifier.checkSpans();
      verifier.checkRestores();
      while (epoch * perEpoch < file.steps()) {
        verifier.count(epoch);
        epoch++;
      }
    } catch (FaultException e) {
      return new Verdict(Optional.of(String.valueOf(e.getMessage())), epoch, 0, 0);
    }
    return new Verdict(
        Optional.empty(),
        file.steps() / perEpoch,
        file.steps() % perEpoch,
        file.ledger().restores().stream().mapToLong(r -> r.fromStep() - r.toStep()).sum());
  }

  private void checkSpans() throws FaultException {
    if (steps < 0) {
      throw new FaultException("it tells of " + steps + " steps, expected 0 at least");
    }
    if (ledger.spans().isEmpty()) {
      if (steps > 0) {
        throw new FaultException("no view took the steps 0 to " + (steps - 1));
      }
      return;
    }
    Span before = null;
    for (Span span : ledger.spans()) {
      if (before == null) {
        if (span.fromStep() != 0) {
          throw new FaultException(
              "no view took the steps 0 to %d: the first, view %d, begins at step %d"
                  .formatted(span.fromStep() - 1, span.view(), span.fromStep()));
        }
      } else if (span.fromStep() <= before.fromStep()) {
        throw new FaultException(
            "steps from %d on were counted twice: view %d begins at step %d, view %d after it at step %d"
                .formatted(
                    span.fromStep(),
                    before.view(),
                    before.fromStep(),
                    span.view(),
                    span.fromStep()));
      }
      checkOrder(before, span);
      checkParts(span);
      before = span;
    }
    if (before != null && before.fromStep() > steps) {
      throw new FaultException(
          "view %d begins at step %d, but only %d steps were taken"
              .formatted(before.view(), before.fromStep(), steps));
    }
  }

  private static void checkOrder(@Nullable Span before, Span span) throws FaultException {
    long view = before == null ? 0 : before.view();
    long epoch = before == null ? 0 : before.leaderEpoch();
    if (span.view() <= view) {
      throw new FaultException(
          "view %d comes after view %d, expected a higher one".formatted(span.view(), view));
    }
    if (span.leaderEpoch() < epoch) {
      throw new FaultException(
          "view %d is of leader epoch %d, the view before it of epoch %d: an old leader wrote it"
              .formatted(span.view(), span.leaderEpoch(), epoch));
    }
  }

  private static void checkParts(Span span) throws FaultException {
    Set<String> seen = new HashSet<>();
    long total = 0;
    for (Part part : span.parts()) {
      if (!seen.add(part.memberId())) {
        throw new FaultException(
            "member %s (%s) is in view %d twice"
                .formatted(part.memberId(), part.name(), span.view()));
      }
      if (part.share() < 0) {
        throw new FaultException(
            "member %s (%s) has share %d in view %d, expected 0 at least"
                .formatted(part.memberId(), part.name(), part.share(), span.view()));
      }
      total += part.share();
    }
    if (total == 0) {
      throw new FaultException("nobody has a share in view " + span.view());
    }
  }

  /** The lineage goes on where the restore before a view went back to. */
  private void checkRestores() throws FaultException {
    long view = 0;
    for (ViewJournal.Restore restore : ledger.restores()) {
      if (restore.view() <= view || restore.toStep() < 0 || restore.fromStep() < restore.toStep()) {
        throw new FaultException(
            "the restore for view %d from step %d to step %d cannot be, after one for view %d"
                .formatted(restore.view(), restore.fromStep(), restore.toStep(), view));
      }
      view = restore.view();
    }
    long before = 0;
    for (Span span : ledger.spans()) {
      Optional<ViewJournal.Restore> last = lastRestore(before, span.view());
      if (last.isPresent() && last.get().toStep() != span.fromStep()) {
        throw new FaultException(
            "view %d begins at step %d, but view %d was restored to step %d and none between took a step"
                .formatted(span.view(), span.fromStep(), last.get().view(), last.get().toStep()));
      }
      before = span.view();
    }
    if (view > before) {
      throw new FaultException(
          "a restore for view %d is told of, but the newest view is %d".formatted(view, before));
    }
  }

  private Optional<ViewJournal.Restore> lastRestore(long afterView, long toView) {
    return ledger.restores().stream()
        .filter(restore -> restore.view() > afterView && restore.view() <= toView)
        .reduce((first, second) -> second);
  }

  /** Counts each sample of an epoch of data, as far as it was gone through. */
  private void count(long epoch) throws FaultException {
    Sampler sampler = ledger.sampler();
    int perEpoch = sampler.stepsPerEpoch();
    int[] order = sampler.order(Math.toIntExact(epoch));
    // By sample: who computed it, as place among the parts of its span plus one.
    int[] computedBy = new int[sampler.samples()];
    long firstStep = epoch * perEpoch;
    int taken = (int) Math.min(perEpoch, steps - firstStep);
    for (int step = 0; step < taken; step++) {
      Span span = spanOf(firstStep + step);
      Sampler.Range batch = sampler.batchOf(step);
      for (int rank = 0; rank < span.parts().size(); rank++) {
        Sampler.Range mine = Sampler.part(batch, span.shares(), rank);
        for (int position = mine.from(); position < mine.to(); position++) {
          int sample = order[position];
          if (computedBy[sample] != NOBODY) {
            throw new FaultException(
                "in epoch %d sample %d was computed twice, the second time in step %d of view %d by %s"
                    .formatted(
                        epoch,
                        sample,
                        firstStep + step,
                        span.view(),
                        span.parts().get(rank).name()));
          }
          computedBy[sample] = rank + 1;
        }
      }
      checkWhole(computedBy, order, batch, span, firstStep + step);
    }
    if (taken == perEpoch && Arrays.stream(computedBy).anyMatch(by -> by == NOBODY)) {
      throw new FaultException("in epoch " + epoch + " a sample was computed by nobody");
    }
  }

  private static void checkWhole(
      int[] computedBy, int[] order, Sampler.Range batch, Span span, long step)
      throws FaultException {
    for (int position = batch.from(); position < batch.to(); position++) {
      if (computedBy[order[position]] == NOBODY) {
        throw new FaultException(
            "sample %d, at position %d, was computed by nobody in step %d of view %d"
                .formatted(order[position], position, step, span.view()));
      }
    }
  }

  private Span spanOf(long step) {
    List<Span> spans = ledger.spans();
    int low = 0;
    int high = spans.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (spans.get(middle).fromStep() <= step) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return spans.get(low);
  }

  /**
   * Where two ledgers of one lineage differ, in words; nothing if they agree.
   *
   * @param own the state's
   * @param leaders what the leader's views say
   */
  public static Optional<String> difference(Ledger own, Ledger leaders) {
    if (!own.sampler().equals(leaders.sampler())) {
      return Optional.of(
          "the state has %s, the leader %s".formatted(own.sampler(), leaders.sampler()));
    }
    for (int i = 0; i < Math.max(own.spans().size(), leaders.spans().size()); i++) {
      Optional<Span> one = at(own.spans(), i);
      Optional<Span> other = at(leaders.spans(), i);
      if (!one.equals(other)) {
        return Optional.of(
            "the state's ledger has %s where the leader's record has %s"
                .formatted(words(one), words(other)));
      }
    }
    return own.restores().equals(leaders.restores())
        ? Optional.empty()
        : Optional.of(
            "the state's ledger has the restores %s, the leader's record %s"
                .formatted(own.restores(), leaders.restores()));
  }

  private static Optional<Span> at(List<Span> spans, int index) {
    return index < spans.size() ? Optional.of(spans.get(index)) : Optional.empty();
  }

  private static String words(Optional<Span> span) {
    return span.map(
            s ->
                "view %d of leader epoch %d from step %d with %s"
                    .formatted(
                        s.view(),
                        s.leaderEpoch(),
                        s.fromStep(),
                        s.parts().stream().map(p -> p.name() + " " + p.share()).toList()))
        .orElse("no view");
  }
}
