package io.pulmo.model.view;

import io.pulmo.model.view.ViewJournal.Published;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Which checkpoints lie on which members' disks, and which of them may be published. */
class Checkpoints {
  /** Newest that the record names, besides the best and the one that its view continues. */
  private static final int KEPT = 4;

  private static final int HELD_BY_MEMBER = 32;

  private final Map<String, Deque<Published>> heldByMember = new HashMap<>();
  private final Set<Doubt> doubts = new HashSet<>();

  private record Doubt(String memberId, String sha256) {}

  /** A member has one on its disk, synced and read back; what is published is not forgotten. */
  void held(String memberId, Published checkpoint, List<Published> published) {
    Deque<Published> held = heldByMember.computeIfAbsent(memberId, id -> new ArrayDeque<>());
    held.removeIf(it -> it.sha256().equals(checkpoint.sha256()));
    held.addFirst(checkpoint);
    Iterator<Published> oldestFirst = held.descendingIterator();
    while (held.size() > HELD_BY_MEMBER && oldestFirst.hasNext()) {
      if (!published.contains(oldestFirst.next())) {
        oldestFirst.remove();
      }
    }
  }

  /** A member is not there any more, and its disk with it. */
  void forget(String memberId) {
    heldByMember.remove(memberId);
    doubts.removeIf(it -> it.memberId.equals(memberId));
  }

  /** A member could not put it in place: its copy is not counted on while there are others. */
  void doubted(String memberId, Published checkpoint) {
    if (holders(checkpoint).contains(memberId)) {
      doubts.add(new Doubt(memberId, checkpoint.sha256()));
    }
  }

  /** The members that have it, as far as is known. */
  List<String> holders(Published checkpoint) {
    List<String> holders = new ArrayList<>();
    heldByMember.forEach(
        (member, held) -> {
          if (!doubts.contains(new Doubt(member, checkpoint.sha256()))
              && held.stream().anyMatch(it -> isSame(it, checkpoint))) {
            holders.add(member);
          }
        });
    holders.sort(null);
    return holders;
  }

  /** The newest published one that somebody has; what was doubted only if there is nothing else. */
  Optional<Published> newestHeld(List<Published> published) {
    Optional<Published> sure = newest(published);
    if (sure.isPresent() || doubts.isEmpty()) {
      return sure;
    }
    doubts.clear();
    return newest(published);
  }

  private Optional<Published> newest(List<Published> published) {
    return published.reversed().stream().filter(it -> !holders(it).isEmpty()).findFirst();
  }

  /** The newest one that may be published now. */
  Optional<Published> publishable(View record, long committedStep, List<Published> published) {
    long newest = published.isEmpty() ? -1 : published.getLast().label().step();
    int needed = record.seats().size() > 1 ? 2 : 1;
    Published best = null;
    for (Deque<Published> held : heldByMember.values()) {
      for (Published it : held) {
        if (it.label().step() > newest
            && (best == null || it.label().step() > best.label().step())
            && isOnLineage(it.label(), record, committedStep)
            && holders(it).size() >= needed) {
          best = it;
        }
      }
    }
    return Optional.ofNullable(best);
  }

  /** Whether every member of the record's view has had that state. */
  boolean isOnLineage(Label label, View record, long committedStep) {
    return label.view() == record.id() && label.step() <= committedStep;
  }

  /** What the record names on: the newest, the best, and that which its view continues. */
  static List<Published> kept(List<Published> published, Label continues) {
    Published best = null;
    for (Published it : published) {
      if (!Double.isNaN(it.bestAuc()) && (best == null || it.bestAuc() > best.bestAuc())) {
        best = it;
      }
    }
    List<Published> kept = new ArrayList<>();
    for (int at = 0; at < published.size(); at++) {
      Published it = published.get(at);
      if (at >= published.size() - KEPT || it.equals(best) || it.label().equals(continues)) {
        kept.add(it);
      }
    }
    return kept;
  }

  private static boolean isSame(Published a, Published b) {
    return a.label().equals(b.label())
        && a.sha256().equals(b.sha256())
        && a.digest().equals(b.digest());
  }
}
