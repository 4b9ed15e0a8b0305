package io.pulmo.model.view;

import io.pulmo.model.view.MemberViews.Answer.Promised;
import io.pulmo.model.view.ViewJournal.Kept;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The rule by which the state is chosen that a view continues, from what the members hold that have
 * stopped.
 */
class Choice {
  // Why the highest candidate is never below a committed step: a step is committed once every
  // member
  // of its view has it, and each candidate comes from a member of the record's view that has
  // stopped,
  // or is a copy of what such a member held. Why a state that the record continues counts: its
  // holder had a seat in the record's view and never took it, so that ring never turned. A state
  // of the record's view that is a published checkpoint's may have been restored for a view that
  // was
  // never written: then it says nothing about how far the record's view has come, so it counts only
  // with a holder that was in that view.

  /** What came of it. */
  sealed interface Result {
    /**
     * A state to go on from.
     *
     * @param holders that hold it
     * @param differing that hold another one of the same label, by member
     */
    record Found(Holding holding, List<String> holders, Map<String, String> differing)
        implements Result {}

    /** At the highest label, as many hold one state as another. */
    record Tie(Label label, Map<String, String> digests) implements Result {}

    /** Nobody who answered holds one. */
    record None() implements Result {}
  }

  /**
   * Whether a state is one that the record's view may be continued from.
   *
   * @param kept with a view
   */
  boolean isCandidate(Kept kept, String memberId, Label label, long enteredView) {
    View record = kept.view().orElseThrow();
    if (label.view() == record.id()) {
      return enteredView == record.id()
          || kept.checkpoints().stream().noneMatch(it -> it.label().equals(label));
    }
    return label.equals(record.continues())
        && enteredView < record.id()
        && record.seat(memberId).isPresent();
  }

  /** The highest candidate; where digests differ at its label, that which most hold. */
  Result choose(Kept kept, Map<String, Promised> answers) {
    Map<String, Holding> candidates = new LinkedHashMap<>();
    answers.forEach(
        (member, answer) ->
            answer
                .holding()
                .filter(it -> isCandidate(kept, member, it.label(), answer.enteredView()))
                .ifPresent(it -> candidates.put(member, it)));
    Optional<Label> highest =
        candidates.values().stream()
            .map(Holding::label)
            .max(Comparator.comparingLong(Label::step).thenComparingLong(Label::view));
    if (highest.isEmpty()) {
      return new Result.None();
    }
    Map<String, String> digests = new LinkedHashMap<>();
    candidates.forEach(
        (member, held) -> {
          if (held.label().equals(highest.get())) {
            digests.put(member, held.digest());
          }
        });
    Optional<String> most = mostHeld(digests);
    if (most.isEmpty()) {
      return new Result.Tie(highest.get(), digests);
    }
    List<String> holders = new ArrayList<>();
    Map<String, String> differing = new LinkedHashMap<>();
    digests.forEach(
        (member, digest) -> {
          if (digest.equals(most.get())) {
            holders.add(member);
          } else {
            differing.put(member, digest);
          }
        });
    return new Result.Found(new Holding(highest.get(), most.get()), holders, differing);
  }

  /** The digest that more members have than any other, if there is one. */
  static Optional<String> mostHeld(Map<String, String> digestsByMember) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    digestsByMember.values().forEach(digest -> counts.merge(digest, 1, Integer::sum));
    int most = counts.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    List<String> top =
        counts.entrySet().stream()
            .filter(it -> it.getValue() == most)
            .map(Map.Entry::getKey)
            .toList();
    return top.size() == 1 ? Optional.of(top.get(0)) : Optional.empty();
  }
}
