package io.pulmo.model.view;

import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.ViewJournal.Kept;
import io.pulmo.model.view.ViewJournal.Published;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A leader with members that do at once what they are told, unless they are mute. */
final class LeaderRig implements ViewJournal, ViewLeader.Orders {
  final List<String> orders = new ArrayList<>();
  final Set<String> mute = new HashSet<>();

  /** Members whose copies fail, by "member from source". */
  final Set<String> failingCopies = new HashSet<>();

  /** What each member was told to keep last. */
  final Map<String, List<Published>> keeps = new LinkedHashMap<>();

  Kept kept = Kept.empty();
  boolean refusesWrites;
  String startDigest = "start";
  ViewLeader leader;
  private final Map<String, Member> members = new LinkedHashMap<>();
  private final Deque<Runnable> work = new ArrayDeque<>();
  private final ViewLeader.Settings settings;
  private long nowNanos;
  private long epoch;

  static final class Member {
    final String id;
    String digest = "";
    final MemberViews views;

    Member(String id) {
      this.id = id;
      views = new MemberViews(() -> digest);
    }
  }

  LeaderRig(int min, int max) {
    settings = new ViewLeader.Settings(min, max, 60_000, 4_000, 3_000, 10_000, 200);
    leader = newLeader();
  }

  /** Another leader takes over. */
  ViewLeader newLeader() {
    epoch++;
    leader =
        new ViewLeader(
            this,
            epoch,
            settings,
            applicants -> applicants.stream().map(it -> it.seat(1, 1)).toList(),
            this,
            () -> nowNanos);
    return leader;
  }

  Member member(String id) {
    return members.computeIfAbsent(id, Member::new);
  }

  void attach(String id, Published... onDisk) {
    MemberViews views = member(id).views;
    leader.enlisted(
        new Applicant(id, id, id + ":1", "host", 2),
        views.holding(),
        views.enteredView(),
        views.promisedView(),
        List.of(onDisk));
    run();
  }

  /** A job that trains with these members. */
  static LeaderRig training(int min, String... ids) {
    LeaderRig rig = new LeaderRig(min, 8);
    for (String id : ids) {
      rig.attach(id);
    }
    rig.pass(200);
    return rig;
  }

  void pass(long millis) {
    nowNanos += millis * 1_000_000;
    leader.tick();
    run();
  }

  /** A member takes a step, after which its state has that digest. */
  void step(String id, String digest, boolean names) {
    Member member = member(id);
    Optional<Label> label =
        member.views.step(member.views.enteredView(), () -> member.digest = digest);
    leader.stepped(id, label.orElseThrow(), names ? Optional.of(digest) : Optional.empty());
    run();
  }

  void run() {
    while (!work.isEmpty()) {
      work.removeFirst().run();
    }
  }

  List<String> viewMembers() {
    return kept.view().orElseThrow().seats().stream().map(Seat::memberId).toList();
  }

  Label continued() {
    return kept.view().orElseThrow().continues();
  }

  @Override
  public Kept current() {
    return kept;
  }

  @Override
  public void write(Kept next) {
    if (refusesWrites) {
      throw new IllegalStateException("refused");
    }
    kept = next;
  }

  @Override
  public void prepare(String memberId, long view) {
    order(
        memberId,
        "prepare " + memberId + " " + view,
        () -> answered(memberId, view, member(memberId).views.prepare(epoch, view)));
  }

  @Override
  public void copy(String memberId, long view, Holding what, Seat from) {
    order(
        memberId,
        "copy " + memberId + " from " + from.memberId(),
        () -> {
          if (failingCopies.contains(memberId + " from " + from.memberId())) {
            leader.adoptFailed(memberId, view, "broke off");
          } else {
            adopt(memberId, view, what);
          }
        });
  }

  @Override
  public void restore(String memberId, long view, Published what, List<Seat> holders) {
    order(
        memberId,
        "restore " + memberId + " step " + what.label().step(),
        () -> adopt(memberId, view, new Holding(what.label(), what.digest())));
  }

  @Override
  public void start(String memberId, long view) {
    String digest = memberId.startsWith("odd") ? "odd" : startDigest;
    order(
        memberId,
        "start " + memberId,
        () -> adopt(memberId, view, new Holding(Label.START, digest)));
  }

  @Override
  public void install(String memberId, View view) {
    order(
        memberId,
        "install " + memberId + " " + view.id(),
        () -> answered(memberId, view.id(), member(memberId).views.install(epoch, view)));
  }

  @Override
  public void keep(String memberId, List<Published> published) {
    keeps.put(memberId, List.copyOf(published));
  }

  @Override
  public void release(String memberId) {
    orders.add("release " + memberId);
  }

  private void adopt(String memberId, long view, Holding what) {
    Member member = member(memberId);
    member.views.adopt(epoch, view, what.label(), () -> member.digest = what.digest());
    leader.adopted(memberId, view, what);
  }

  private void answered(String memberId, long view, Answer answer) {
    switch (answer) {
      case Answer.Promised promised -> leader.promised(memberId, promised);
      case Answer.Refused refused -> leader.refused(memberId, view, refused);
      case Answer.Done done -> leader.installed(memberId, view);
    }
  }

  private void order(String memberId, String what, Runnable effect) {
    orders.add(what);
    if (!mute.contains(memberId)) {
      work.add(effect);
    }
  }
}
