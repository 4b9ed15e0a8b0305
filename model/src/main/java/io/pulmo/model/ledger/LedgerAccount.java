package io.pulmo.model.ledger;

import io.pulmo.model.ledger.Ledger.Part;
import io.pulmo.model.ledger.Ledger.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * What one member computed in one view: recomputed from the sampler and the shares.
 *
 * @param span the view
 * @param toStep after its last step
 * @param part the member
 * @param ranges by epoch of data the positions in its order, the lowest first
 */
public record LedgerAccount(
    Span span, long toStep, Part part, SequencedMap<Integer, List<Sampler.Range>> ranges) {

  /** Samples computed. */
  public long samples() {
    return ranges.values().stream().flatMap(List::stream).mapToLong(Sampler.Range::size).sum();
  }

  /** One account for each member of each view, in their order. */
  public static List<LedgerAccount> of(LedgerFile file) {
    List<LedgerAccount> accounts = new ArrayList<>();
    List<Span> spans = file.ledger().spans();
    for (int i = 0; i < spans.size(); i++) {
      Span span = spans.get(i);
      long to = i + 1 < spans.size() ? spans.get(i + 1).fromStep() : file.steps();
      for (int rank = 0; rank < span.parts().size(); rank++) {
        accounts.add(
            new LedgerAccount(
                span, to, span.parts().get(rank), ranges(file.ledger().sampler(), span, to, rank)));
      }
    }
    return accounts;
  }

  private static SequencedMap<Integer, List<Sampler.Range>> ranges(
      Sampler sampler, Span span, long toStep, int rank) {
    SequencedMap<Integer, List<Sampler.Range>> ranges = new TreeMap<>();
    int perEpoch = sampler.stepsPerEpoch();
    for (long step = span.fromStep(); step < toStep; step++) {
      Sampler.Range range =
          Sampler.part(sampler.batchOf((int) (step % perEpoch)), span.shares(), rank);
      if (range.size() == 0) {
        continue;
      }
      List<Sampler.Range> there =
          ranges.computeIfAbsent((int) (step / perEpoch), epoch -> new ArrayList<>());
      if (!there.isEmpty() && there.getLast().to() == range.from()) {
        range = new Sampler.Range(there.removeLast().from(), range.to());
      }
      there.add(range);
    }
    return ranges;
  }
}
