package io.pulmo.model.view;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The members that have a control stream to this leader, as far as it knows them. */
final class Roster {
  private final Map<String, Member> members = new LinkedHashMap<>();

  /** One of them. */
  static final class Member {
    final Applicant applicant;
    @Nullable Label label;
    long enteredView;
    long promisedView;
    boolean leaving;

    /** It did not answer an order in time, and has said nothing since. */
    boolean silent;

    /** Copies that failed one after the other. */
    int failures;

    long notBeforeNanos;

    Member(Applicant applicant, long nowNanos) {
      this.applicant = applicant;
      notBeforeNanos = nowNanos;
    }

    String id() {
      return applicant.memberId();
    }

    String name() {
      return applicant.name();
    }

    boolean isIn(View view) {
      return enteredView == view.id() && promisedView == view.id();
    }

    /** Reports may come late: the label only grows. */
    void reached(Label newer) {
      Label old = label;
      if (old == null
          || newer.view() > old.view()
          || (newer.view() == old.view() && newer.step() > old.step())) {
        label = newer;
      }
    }
  }

  /** It is here, again perhaps. */
  Member arrived(Applicant applicant, long nowNanos) {
    Member member = new Member(applicant, nowNanos);
    Member before = members.get(applicant.memberId());
    if (before != null) {
      member.leaving = before.leaving;
      member.promisedView = before.promisedView;
      member.failures = before.failures;
      member.notBeforeNanos = before.notBeforeNanos;
    }
    members.put(applicant.memberId(), member);
    return member;
  }

  void left(String memberId) {
    members.remove(memberId);
  }

  Optional<Member> find(String memberId) {
    return Optional.ofNullable(members.get(memberId));
  }

  boolean has(String memberId) {
    return members.containsKey(memberId);
  }

  /** Those with a seat in the view by rank, then the others in the order in which they came. */
  List<Member> byRank(Optional<View> view) {
    List<Member> ranked = new ArrayList<>();
    view.ifPresent(it -> it.seats().forEach(seat -> find(seat.memberId()).ifPresent(ranked::add)));
    for (Member member : members.values()) {
      if (view.flatMap(it -> it.seat(member.id())).isEmpty()) {
        ranked.add(member);
      }
    }
    return ranked;
  }
}
